"""Without tqdm the same code runs, and shows nothing."""
import subprocess
import sys

from helpers import progress
from helpers.runtime import ROOT

import tqdm


def test_it_is_tqdm_where_there_is_one():
    assert progress.tqdm is tqdm.tqdm


def test_without_tqdm_helpers_work_in_silence(tmp_path):
    code = (
        "import sys; sys.modules['tqdm'] = None\n"
        "from helpers import runtime, archives, digits, fundus, palm, progress\n"
        "assert progress.tqdm is progress.Silent\n"
        f"folder = fundus.render({str(tmp_path / 'rendered')!r}, count=(12, 6), size=32)\n"
        "assert len(palm.read(folder, size=32, progress=True)) == 18\n"
        "with progress.tqdm(total=3, unit='B', file=sys.stdout) as bar:\n"
        "    bar.total += 1\n"
        "    bar.update(2)\n"
        "    bar.set_postfix(loss='0.1')\n"
        "    assert list(progress.tqdm([5, 6], 'numbers', total=2)) == [5, 6] and bar.total == 4\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

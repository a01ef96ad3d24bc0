"""helpers.benchmark: the tables come out, their ratios are of what was measured, a failing part is named."""
import os
import re
import subprocess
import sys

from helpers import benchmark, runtime

import numpy as np
import pytest


def numbers(line):
    return [float(number) for number in re.findall(r"\d+\.?\d*", line.replace(",", ""))]


def test_quick_run_prints_the_tables():
    done = subprocess.run(
        [sys.executable, "-m", "helpers.benchmark", "--quick", "--only", "reader", "growth"],
        cwd=runtime.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    classic, ours = numbers(lines["classic"]), numbers(lines["ours"])
    assert len(classic) == len(ours) == 4
    assert numbers(lines["classic / ours"])[1] == pytest.approx(classic[1] / ours[1], rel=0.05, abs=0.01)
    assert "* two epochs measured: first + 3 x second" in lines
    for count in (24, 48):
        read, split, epoch, total, each, *memory = numbers(lines[str(count)])[1:]
        assert total == pytest.approx(read + split + epoch, abs=0.016)
        assert each == pytest.approx(1000 * total / count, rel=0.05)
        assert len(memory) == 2
    assert any(line.startswith("... growth: 48 images, reading") for line in done.stdout.splitlines())
    assert "Paddle" in done.stdout and "cores" in done.stdout


def test_quick_run_prints_the_recipes():
    done = subprocess.run(
        [sys.executable, "-m", "helpers.benchmark", "--quick", "--only", "recipe"],
        cwd=runtime.ROOT, env={**os.environ, "PALM_DIR": "rendered"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert any(title.startswith("Time to accuracy on rendered images") for title in lines)
    classic, ours, ratio = (numbers(lines[name]) for name in ("classic", "ours", "classic / ours"))
    assert ratio[0] == pytest.approx(classic[0] / ours[0], rel=0.1) and ratio[0] < 0.5
    assert "not measured" in lines["classic"] and 0 <= ours[3] <= 1
    assert "* extrapolated from 1 batches; --full trains all five epochs" in lines


@pytest.fixture
def fake(monkeypatch):
    """Parts that measure nothing and give these figures."""

    def measured(part, **settings):
        count = 100 if "rendered-100" in settings["folder"] else 6400
        return {
            "photographs": {"kilobytes": 500.0},
            "classic-reader": {"first": 30.0, "later": 20.0, "memory": 300.0, "more": 30.0},
            "our-reader": {"first": 15.0, "total": 25.0, "memory": 200.0, "more": 10.0},
            "render": {},
            "growth": {"read": 0.01 * count, "split": 0.0, "epoch": 1.0, "memory": 200 + count / 100, "more": 5.0},
        }[part]

    monkeypatch.setattr(benchmark, "measured", measured)


def test_the_readers_ratios(fake, tmp_path):
    text = benchmark.reader_table(tmp_path, quick=False)
    rows = {line.split("  ")[0]: line.split()[1:] for line in text.splitlines()}
    assert "Reader: 400 JPEG images of 2124 x 2056 to float32 [3, 224, 224]" in text
    assert rows["classic"] == ["30.0", "*410.0", "300", "30"]  # 30 + 19 * 20
    assert rows["ours"] == ["15.0", "25.0", "200", "10"]
    assert rows["classic / ours"][2:] == ["2.00", "16.40", "1.50"]
    assert "first + 19 x second" in text and "500 kB" in text


def test_growths_ratios(fake, tmp_path):
    lines = benchmark.growth_table(tmp_path, quick=False).splitlines()
    assert lines[2].split() == ["100", "1.00", "0.00", "1.00", "2.00", "20.00", "201", "5"]
    assert lines[5].split() == ["6,400", "64.00", "0.00", "1.00", "65.00", "10.16", "264", "5"]
    assert "64 times the images, 32.5 times the seconds, 1.31 times the memory" in lines[6]


def test_a_failing_part_is_named(tmp_path, capfd):
    with pytest.raises(benchmark.PartFailed, match="the benchmark's part growth failed with exit status 1; its error"):
        benchmark.measured("growth", folder=str(tmp_path / "nowhere"), size=32)
    assert "nowhere is no folder" in capfd.readouterr().err


def test_the_other_tables_come_out_all_the_same(monkeypatch, capsys):
    def fails(scratch, quick):
        raise benchmark.PartFailed("the benchmark's part our-reader failed")

    monkeypatch.setitem(benchmark.TABLES, "reader", fails)
    monkeypatch.setitem(benchmark.TABLES, "growth", lambda scratch, quick: f"a table, {scratch.is_dir()}")
    with pytest.raises(SystemExit, match="part our-reader failed"):
        benchmark.main(["--only", "reader", "growth"])
    assert "a table, True\n" in capsys.readouterr().out


def test_peak_memory_sees_what_is_gone_afterwards():
    if np.isnan(benchmark.memory()):
        pytest.skip("Windows does not say")
    # in a process of its own, where no other test's memory comes or goes
    code = """
import time
from helpers.benchmark import PeakMemory
import numpy as np
with PeakMemory() as peak:
    block = np.ones(60 << 17)  # 60 MB
    time.sleep(0.1)
    del block
assert peak.figures()["memory"] == peak.most
print(peak.figures()["more"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=runtime.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 55 < float(done.stdout) < 120


def test_a_mapped_file_is_no_anonymous_memory(tmp_path):
    if not benchmark.STATUS.exists():
        pytest.skip("only Linux tells them apart")
    np.save(tmp_path / "mapped.npy", np.ones(60 << 17))
    with benchmark.PeakMemory() as peak:
        mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
        assert mapped.sum() == 60 << 17
    assert peak.figures()["more"] < 20

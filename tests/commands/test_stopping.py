"""helpers.commands.stopping: a signal at any moment ends a command with 130, nothing half done, and never aborts it."""
import random
import re
import signal
import subprocess
import sys
import time

from helpers import ROOT
from helpers.commands import stopping
from helpers.files import made_whole, read_arrays
from helpers.fundus.images import read_image
from helpers.fundus.render import render
from tests.tools.processes import environment, python
from tests.tools.waiting import SECONDS

import numpy as np
import pytest

SIGNALS = stopping.SIGNALS


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_lets_the_batch_end_and_then_stops(number):
    before, reached = signal.getsignal(number), []
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop_if_asked:
        stop_if_asked(0, 0)
        signal.raise_signal(number)
        reached.append("the end of the batch")
        stop_if_asked(0, 1)
        reached.append("the next batch")
    assert reached == ["the end of the batch"]
    assert signal.getsignal(number) == before


TWO_SIGNALS_IN_A_BATCH = """
import signal, sys
from helpers.commands.stopping import stoppable
with stoppable():
    for number in map(int, sys.argv[1:]):
        signal.raise_signal(number)
        print("the batch goes on", flush=True)
"""


@pytest.mark.parametrize("second", SIGNALS)
def test_a_second_signal_ends_the_process_at_once(second):
    done = python("-c", TWO_SIGNALS_IN_A_BATCH, int(signal.SIGINT), int(second))
    assert (done.returncode, done.stdout, done.stderr) == (-second, "the batch goes on\n", "")


def test_a_signal_after_the_last_batch_counts_as_well():
    with pytest.raises(KeyboardInterrupt), stopping.stoppable():
        signal.raise_signal(signal.SIGTERM)


TEN_SIGNALS = """
import os, random, signal, sys, threading
from helpers.commands.stopping import stoppable
from tests.tools.small_training import fit, small_network
rng, model = random.Random(int(sys.argv[1])), small_network()
for _ in range(10):
    number = rng.choice([signal.SIGINT, signal.SIGTERM])
    try:
        with stoppable() as stop_if_asked:
            threading.Timer(rng.uniform(0, 0.3), os.kill, (os.getpid(), number)).start()
            fit(model, epochs=10_000, after_batch=stop_if_asked)
    except KeyboardInterrupt:
        print("stopped")
"""


def test_ten_signals_at_random_moments_never_abort_the_process():
    seed = np.random.default_rng().integers(1 << 32)  # other moments in every run of this test
    print("seed", seed)
    done = python("-c", TEN_SIGNALS, seed)
    assert (done.returncode, done.stdout, done.stderr) == (0, 10 * "stopped\n", "")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_block_that_may_be_left_at_once_is(number):
    reached = []
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop:
        with stopping.stoppable() as same, same.at_once():
            assert same is stop
            signal.raise_signal(number)
            reached.append("behind the signal")
        reached.append("behind the block")
    assert reached == [] and stop.asked


def test_such_a_block_in_another_one_does_not_end_that_one():
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop, stop.at_once():
        with stop.at_once():
            pass
        signal.raise_signal(signal.SIGINT)
        pytest.fail("behind the signal")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_a_destructor_has_swallowed_counts_at_the_end_of_the_block():
    class Asks:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop, stop.at_once():
        asks = Asks()
        del asks


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows cannot hold signals back")
def test_a_signal_that_was_held_comes_when_the_block_begins(monkeypatch):
    monkeypatch.setattr(stopping, "_held", False)  # put back at the end: this process is no command's own
    stopping.hold()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop:
        stop()


# --- the whole command ------------------------------------------------------------------------------------------------


def stopped(number, line, *command):
    """What a command says that gets a signal once it has said a line that begins so; with status 130."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=ROOT, env=environment(PALM_DIR="rendered", LC_ALL="C.UTF-8"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    before = next(each for each in process.stdout if each.startswith(line))
    process.send_signal(number)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == (stopping.STATUS if number in SIGNALS else -number), before + output
    assert "Traceback" not in output and ("stopped" in output) == (number in SIGNALS), before + output
    return output


PREDICT = """
import sys, time
from helpers.commands import stopping
stopping.hold()
from helpers.commands import predict
look = predict.look
def slowly(path, size):
    print("looks at", path.name, flush=True)
    time.sleep(0.5)
    return look(path, size)
predict.look = slowly
predict.main([sys.argv[1], "--output", sys.argv[2]])
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_predict_ends_at_the_next_photograph_and_writes_nothing(tmp_path, number):
    folder = render(tmp_path / "set", 200, 32, progress=False)
    output = stopped(number, "looks at", "-c", PREDICT, folder, tmp_path / "out")
    assert "stopped; nothing was written" in output
    assert output.count("looks at") < 64, "not even the first batch to its end"
    assert not list((tmp_path / "out").iterdir())


def test_cross_validation_ends_at_the_next_batch(tmp_path):
    folder = render(tmp_path / "set", (80, 4), 32, progress=False)
    given = ["--data", folder, "--only", "from scratch", "--repeats", 1000]
    stopped(signal.SIGTERM, "trained ", "-m", "helpers.commands.cross_validation", *given)


WAITS = """
import time
from helpers.commands import stopping
stopping.hold()
from helpers.commands import ending
if __name__ == "__main__":
    with ending.in_a_sentence(), stopping.processes(1) as submit:
        print("begins", submit(abs, -1).result(), flush=True)
        submit(time.sleep, 10_000).result()
"""


@pytest.mark.parametrize("number", [*SIGNALS, getattr(signal, "SIGKILL", signal.SIGTERM)])
def test_work_in_another_process_ends_with_that_of_the_command(tmp_path, number):
    """Or else it would hold on to the pipe, and nobody would come to its end."""
    (tmp_path / "waits.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{WAITS}", encoding="utf-8")
    stopped(number, "begins", tmp_path / "waits.py")

TRAIN = """
import sys
from pathlib import Path
from helpers.commands import stopping
stopping.hold()
print("holds", flush=True)
from helpers.commands import train, training_data
from helpers.fundus import photographs
training_data.ROOT = photographs.ROOT = Path(sys.argv[1])  # renders and decodes everything anew
train.main(["--rendered", "45", "--extra", "12", "--validation", "0.2", "--batch-size", "10", "--epochs", "6",
            "--output", sys.argv[1] + "/run"])
"""


def started(folder):
    """The command, once it holds signals: one that comes before, into Python's own start, is Python's to answer."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN, folder], cwd=ROOT, env=environment(PALM_DIR="rendered", OMP_NUM_THREADS="1"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    assert (first := process.stdout.readline()) == "holds\n", first
    return process


def assert_nothing_is_half_done(folder):
    """Every file that has its name is whole, every rendered folder has its marker, and nothing else is left.

    But for a folder that the signal kept from being cleared away: that is for the next call, which does it.
    """
    for left in list(folder.rglob(".*.part-*")):
        made_whole(left.with_name(left.name[1:].rpartition(".part-")[0]), lambda: True, pytest.fail)
    for path in folder.rglob("*"):
        assert not path.name.endswith(".part") and ".part-" not in path.name, path
        if path.suffix == ".npz":
            read_arrays(path)
        elif path.suffix == ".jpg":
            read_image(path)
            assert (path.parents[1] / "RENDERED.json").is_file()


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.all)])
def test_stopped_at_a_random_moment_it_leaves_nothing_half_done(tmp_path, count):
    """While Paddle is imported, while images are rendered, decoded, trained on, and while the model is written."""
    process = started(tmp_path / "whole")
    begin = time.monotonic()
    output, _ = process.communicate(timeout=SECONDS)
    seconds = time.monotonic() - begin
    assert process.returncode == 0, output
    seed = int(np.random.default_rng().integers(1 << 32))  # other moments in every run of this test
    print("seed", seed)
    rng, ends = random.Random(seed), []
    for index in range(count):
        folder, number = tmp_path / str(index), rng.choice(SIGNALS)
        process = started(folder)
        time.sleep(rng.uniform(0, 1) * seconds)
        process.send_signal(number)
        output, _ = process.communicate(timeout=SECONDS)
        # When all is done, a signal ends the process by itself, or comes too late.
        may = (stopping.STATUS, -number, 0) if "threshold" in output else (stopping.STATUS,)
        assert process.returncode in may, (seed, index, process.returncode, output)
        # Python says what a destructor has raised, and drops it; the command ends all the same.
        said = re.sub(r"Exception ignored in.*?KeyboardInterrupt: *\n", "", output, flags=re.DOTALL)
        assert "Traceback" not in said, (seed, index, output)
        assert_nothing_is_half_done(folder)
        ends.append((process.returncode, (output.splitlines() or [""])[-1][:40]))
    print(ends)

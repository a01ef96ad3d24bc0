"""helpers.parallel: every batch is the same and shared equally, however many processes there are."""
import json
import os
import subprocess
import sys

from helpers import parallel
from helpers.runtime import ROOT

import numpy as np
import psutil
import pytest


@pytest.fixture
def processes(monkeypatch):
    """Pretend to be one of several processes."""

    def pretend(rank, count):
        monkeypatch.setattr(parallel, "rank", lambda: rank)
        monkeypatch.setattr(parallel, "world_size", lambda: count)

    return pretend


def all_batches(count, epoch=0, **arguments):
    sampler = parallel.ShuffledBatches(range(count), **arguments)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_batches_are_shuffled_equal_and_repeat():
    batches = all_batches(50, batch_size=8, seed=1)
    assert [len(batch) for batch in batches] == [8] * 6
    seen = [index for batch in batches for index in batch]
    assert len(set(seen)) == 48 and seen != sorted(seen)
    assert batches == all_batches(50, batch_size=8, seed=1)
    assert batches != all_batches(50, batch_size=8, seed=2)
    assert batches != all_batches(50, epoch=1, batch_size=8, seed=1)


@pytest.mark.parametrize("count", [2, 4])
def test_the_processes_share_each_batch_of_a_single_one(processes, count):
    whole = all_batches(50, epoch=3, batch_size=8, seed=1)
    shares = []
    for rank in range(count):
        processes(rank, count)
        shares.append(all_batches(50, epoch=3, batch_size=8, seed=1))
    for batch, *parts in zip(whole, *shares, strict=True):
        assert {len(part) for part in parts} == {8 // count}
        assert sorted(index for part in parts for index in part) == sorted(batch)


def test_what_cannot_be_shared_is_refused(processes):
    processes(0, 3)
    with pytest.raises(ValueError, match=r"16 images cannot be shared equally by 3 processes; .* multiple of 3"):
        all_batches(50, batch_size=16)
    with pytest.raises(ValueError, match=r"10 images, all that there are for a batch size of 12, .* at most 10"):
        all_batches(10, batch_size=12)
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        all_batches(50, batch_size=0)
    with pytest.raises(ValueError, match="is empty"):
        all_batches(0, batch_size=4)


def test_a_small_data_set_is_one_batch():
    assert [sorted(batch) for batch in all_batches(5, batch_size=16)] == [[0, 1, 2, 3, 4]]


# --- the real thing: two processes of paddle.distributed.launch on the CPU --------------------------------------------

MEETING = """
from helpers import parallel, resnet, runtime
import numpy as np
import paddle

parallel.start()
rank = parallel.rank()
np.testing.assert_allclose(parallel.mean(np.array([rank, 2.0 * rank])), [0.5, 1.0])
mine = np.float32([10 * position for position in parallel.share(5)])
np.testing.assert_array_equal(parallel.gather(mine, 5), [0, 10, 20, 30, 40])
norm = paddle.nn.BatchNorm2D(3)
norm._mean.set_value(paddle.full([3], 4.0 * rank))
norm.weight.set_value(paddle.full([3], 1.0 + rank))
parallel.average_statistics(paddle.nn.Sequential(norm))
np.testing.assert_array_equal(norm._mean.numpy(), [2, 2, 2])
np.testing.assert_array_equal(norm.weight.numpy(), 3 * [1 + rank])
with parallel.first_alone():
    print("process", rank, "works", flush=True)
"""


def test_two_processes_share_gather_and_average(tmp_path):
    (tmp_path / "meeting.py").write_text(MEETING)
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", "log"]
    done = subprocess.run(
        [*command, "meeting.py"], cwd=tmp_path, env={**environment(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    logs = [(tmp_path / "log" / f"workerlog.{rank}").read_text() for rank in (0, 1)]
    assert all(f"process {rank} works" in log for rank, log in enumerate(logs))


COMMAND = ["helpers/train.py", "--rendered", "60", "--epochs", "8", "--seed", "3", "--norm", "group",
           "--extra", "0", "--validation", "0.2", "--batch-size", "16"]  # fmt: skip


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PADDLE_")}
    return {**kept, "OMP_NUM_THREADS": "1", "PALM_DIR": "rendered"}


def launch(folder):
    """Start two processes that train together; gives the launcher's process."""
    launcher = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", folder / "log"]
    command = [*map(str, launcher), *COMMAND, "--output", str(folder / "out")]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def single(folder, *more):
    command = [sys.executable, *COMMAND, "--output", str(folder), *more]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def losses(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return np.array([[row["loss"], row["validation_loss"]] for row in rows])


def table(output):
    return output.splitlines()[-6:]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder and the output of a training by one process."""
    folder = tmp_path_factory.mktemp("alone")
    return folder, single(folder)


def test_two_processes_have_the_loss_curve_of_one_and_write_each_thing_once(alone, tmp_path):
    """With GroupNorm: BatchNorm's statistics are of a process's own images, so that the curves differ there."""
    folder, output_alone = alone
    process = launch(tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    np.testing.assert_allclose(losses(tmp_path / "out"), losses(folder), rtol=0.01)
    assert output.count("epoch 8/8") == 1 and output.count("AUC  ") == 1
    assert all(line in output for line in table(output_alone)[:2])
    logged = (tmp_path / "log" / "workerlog.1").read_text()
    assert "epoch 8/8" not in logged and "AUC  " not in logged
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in folder.iterdir()}


def test_a_worker_that_dies_ends_the_run_and_one_process_can_go_on_with_it(alone, tmp_path):
    process = launch(tmp_path)
    for line in process.stdout:
        if line.startswith("epoch 2/8"):
            break
    workers = {child.environ().get("PADDLE_TRAINER_ID"): child for child in psutil.Process(process.pid).children()}
    workers["1"].kill()
    output, _ = process.communicate(timeout=120)  # no hang
    assert process.returncode != 0
    assert "Container failed" in output and "status failed cmd" in output  # the dead one, or the one left alone
    resumed = single(tmp_path / "out", "--resume")
    assert "epoch 1/8" not in resumed and "epoch 8/8" in resumed
    np.testing.assert_allclose(losses(tmp_path / "out"), losses(alone[0]), rtol=0.01)

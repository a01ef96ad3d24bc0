"""helpers.training.parallel: every batch is shared equally, and two processes train as one does."""
import time

from helpers import ROOT
from helpers.checks import Unusable
from helpers.training import checkpoint, inference, parallel
from helpers.training.fit import fit
from tests.tools.processes import python
from tests.tools.small_training import Stripes, small_network
from tests.tools.train_command import TWO_PROCESSES, finish, metrics, start
from tests.tools.waiting import SECONDS

import numpy as np
import psutil
import pytest
from paddle.io import IterableDataset


@pytest.fixture
def processes(monkeypatch):
    """Pretend to be one of several processes."""

    def pretend(rank, count):
        monkeypatch.setattr(parallel, "rank", lambda: rank)
        monkeypatch.setattr(parallel, "world_size", lambda: count)

    return pretend


def indices(count, **arguments):
    return list(parallel.batches(range(count), **arguments).batch_sampler)


def test_batches_are_shuffled_equal_and_repeat():
    batches = indices(50, batch_size=8, seed=1)
    assert [len(batch) for batch in batches] == [8] * 6
    seen = [index for batch in batches for index in batch]
    assert len(set(seen)) == 48 and seen != sorted(seen)
    assert batches == indices(50, batch_size=8, seed=1)
    assert batches != indices(50, batch_size=8, seed=2)
    assert batches != indices(50, batch_size=8, seed=1, epoch=1)


@pytest.mark.parametrize("count", [2, 4])
def test_the_processes_share_each_batch_of_a_single_one(processes, count):
    whole = indices(52, batch_size=8, seed=1, epoch=3)
    shares = []
    for rank in range(count):
        processes(rank, count)
        shares.append(indices(52, batch_size=8, seed=1, epoch=3))
    for batch, *parts in zip(whole, *shares, strict=True):
        assert {len(part) for part in parts} == {8 // count}
        assert sorted(index for part in parts for index in part) == sorted(batch)


def test_what_cannot_be_shared_is_refused(processes):
    processes(0, 3)
    with pytest.raises(ValueError, match=r"16 images cannot be shared equally by 3 processes; .* multiple of 3"):
        indices(50, batch_size=16)
    with pytest.raises(ValueError, match=r"10 images, all that there are for a batch size of 12, .* at most 10"):
        indices(10, batch_size=12)
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        indices(50, batch_size=0)
    with pytest.raises(ValueError, match="is empty"):
        indices(0, batch_size=4)


def test_a_small_data_set_is_one_batch():
    assert [sorted(batch) for batch in indices(5, batch_size=16)] == [[0, 1, 2, 3, 4]]


# --- the real thing: two processes of paddle.distributed.launch on the CPU --------------------------------------------

MEETING = """
from helpers import runtime
from helpers.training import parallel
import numpy as np
import paddle

parallel.start()
rank = parallel.rank()
assert parallel.mean(3.0 * rank) == 1.5
norm = paddle.nn.BatchNorm2D(3)
norm._mean.set_value(paddle.full([3], 4.0 * rank))
norm.weight.set_value(paddle.full([3], 1.0 + rank))
old, frozen, still = paddle.nn.BatchNorm(3), paddle.nn.BatchNorm2D(3), paddle.nn.BatchNorm(3, use_global_stats=True)
frozen.eval()
frozen.weight.stop_gradient = True
for layer in (old, frozen, still):
    layer._variance.set_value(paddle.full([3], 1.0 + 4 * rank))
    layer.weight.set_value(paddle.full([3], 1.0 + rank))
parallel.average_statistics(paddle.nn.Sequential(norm, old, frozen, still))
np.testing.assert_array_equal(norm._mean.numpy(), [2, 2, 2])
np.testing.assert_array_equal(norm.weight.numpy(), 3 * [1 + rank])
np.testing.assert_array_equal(old._variance.numpy(), [3, 3, 3])
for layer in (frozen, still):
    np.testing.assert_array_equal(layer._variance.numpy(), 3 * [1 + 4 * rank])
    np.testing.assert_array_equal(layer.weight.numpy(), 3 * [1 + rank])
parallel.seed_epoch(0, 0)
draws = []
paddle.distributed.all_gather(draws, paddle.rand([1]))
assert draws[0] != draws[1], "both would drop the same features"
print("process", rank, "works", flush=True)
"""


def test_two_processes_meet_average_and_draw_apart(tmp_path):
    (tmp_path / "meeting.py").write_text(MEETING)
    done = python(*TWO_PROCESSES, "log", "meeting.py", cwd=tmp_path, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [(tmp_path / "log" / f"workerlog.{rank}").read_text() for rank in (0, 1)]
    assert all(f"process {rank} works" in log for rank, log in enumerate(logs))


LATE = """
import time
from helpers.training import parallel

parallel.start()
time.sleep(40 * parallel.rank())
assert parallel.mean(3.0 * parallel.rank()) == 1.5
"""


@pytest.mark.all
def test_a_process_may_come_later_than_gloo_waits(tmp_path):
    """Gloo gives up after 30 seconds; with twelve busy processes beside it a process once took longer to start."""
    (tmp_path / "late.py").write_text(LATE)
    done = python(*TWO_PROCESSES, "log", "late.py", cwd=tmp_path, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout + done.stderr


# With GroupNorm: BatchNorm's statistics are of a process's own images, so that the curves of one and two differ there.
RECIPE = ("--seed", "3", "--norm", "group")


def losses(folder):
    return np.array([[row["loss"], row["validation_loss"]] for row in metrics(folder)])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder and the output of a training by one process."""
    folder = tmp_path_factory.mktemp("alone")
    return folder, finish(start(folder, *RECIPE, epochs=8))


@pytest.fixture
def together(tmp_path):
    """The folder and the launcher's process of the same training by two processes."""
    folder = tmp_path / "out"
    return folder, start(folder, *RECIPE, together=True, epochs=8)


def test_two_processes_have_the_loss_curve_of_one_and_write_each_thing_once(alone, together):
    folder, process = together
    output = finish(process)
    np.testing.assert_allclose(losses(folder), losses(alone[0]), rtol=0.01)
    assert output.count("epoch 8/8") == 1 and output.count("AUC  ") == 1
    assert all(line in output for line in alone[1].splitlines()[-6:-4])  # of the table
    logged = (folder.parent / "log" / "workerlog.1").read_text()
    assert "epoch 8/8" not in logged and "AUC  " not in logged
    assert {path.name for path in folder.iterdir()} == {path.name for path in alone[0].iterdir()}


def test_a_worker_that_dies_ends_the_run_and_one_process_can_go_on_with_it(alone, together):
    folder, process = together
    # The launcher prints what it has read of a log once a second; by then the training would be through.
    while len(checkpoint.files(folder)) < 2:  # the first is of no epoch; which two are kept changes with each epoch
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    workers = {child.environ().get("PADDLE_TRAINER_ID"): child for child in psutil.Process(process.pid).children()}
    workers["1"].kill()
    output, _ = process.communicate(timeout=SECONDS)  # no hang
    assert process.returncode != 0
    assert "Container failed" in output and "status failed cmd" in output  # the dead one, or the one left alone
    resumed = finish(start(folder, *RECIPE, "--resume", epochs=8))
    assert "epoch 1/8" not in resumed and "epoch 8/8" in resumed
    np.testing.assert_allclose(losses(folder), losses(alone[0]), rtol=0.01)


@pytest.mark.parametrize(("said", "error"), [
    ("(InvalidArgument)  network vm: cannot be obtained.", Unusable), ("another", ValueError),
])  # fmt: skip
def test_a_machine_without_a_name_is_told_so(monkeypatch, said, error):
    """As in a bare container whose /etc/hosts does not have it."""
    monkeypatch.setattr(parallel, "world_size", lambda: 2)
    monkeypatch.setattr(parallel.dist, "init_parallel_env", lambda: (_ for _ in ()).throw(ValueError(said)))
    with pytest.raises(error, match=r"another|/etc/hosts") as caught:
        parallel.start()
    assert (caught.type is Unusable) == (error is Unusable)


class Torn(Stripes):
    """A data set that cannot give one of its items, or gives it in another size."""

    def __init__(self, error):
        super().__init__(12)
        self.error = error

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        if index == 7 and self.error is not None:
            raise self.error
        return (image[:, :8] if index == 7 else image), label


@pytest.mark.parametrize(("error", "raised", "said"), [
    (OSError("P0007.jpg is damaged"), OSError, "P0007.jpg is damaged"), (KeyError("P0007"), KeyError, "P0007"),
    (StopIteration(), RuntimeError, "StopIteration"), (None, ValueError, "same shape"),
])  # fmt: skip
def test_what_the_data_set_raises_ends_the_work(error, raised, said):
    """Paddle's thread died of it, and training and prediction waited for ever; of a StopIteration, batches went."""
    model, data = small_network(), Torn(error)
    for work in (
        lambda: inference.predict(model, data, 4), lambda: inference.recompute_statistics(model, data, 4),
        lambda: fit(model, data, epochs=1, batch_size=4, progress=None),
    ):  # fmt: skip
        with pytest.raises(raised, match=said):
            work()
        assert model.training


def test_a_stream_of_items_is_read_as_ever():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([Stripes(10)[index] for index in range(10)])

    model = small_network()
    streamed, listed = (inference.predict(model, data, 4) for data in (Stream(), Stripes(10)))
    np.testing.assert_array_equal(streamed, listed)

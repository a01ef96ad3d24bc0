"""helpers.training.checkpoint: weights and trainings come back bit for bit; a bad file is named and harms nothing."""
import contextlib
import json
import shutil

from helpers import runtime
from helpers.training import checkpoint, resnet
from helpers.training.fit import fit as train
from tests.tools.disk import full_disk
from tests.tools.small_training import Stripes, assert_same_weights, small_network, weights
from tests.tools.train_command import metrics

import numpy as np
import paddle
import pytest
from paddle import nn

# --- weights ----------------------------------------------------------------------------------------------------------


def test_weights_come_back_bit_for_bit(tmp_path):
    model = small_network()
    checkpoint.save_weights(model, tmp_path / "new" / "model.npz")
    other = resnet.resnet18(width=4, stem="small")
    checkpoint.load_weights(other, tmp_path / "new" / "model.npz")
    assert_same_weights(model, other)


def test_a_training_can_start_from_a_network_of_other_classes():
    trained, model = small_network(), small_network(num_classes=5)
    model.fc.bias.set_value(np.arange(5, dtype=np.float32))
    with pytest.raises(ValueError, match=r"another network \(fc\."):
        checkpoint.start_from(model, trained)
    checkpoint.start_from(model, trained, but_for="fc")
    assert model.fc.bias.numpy().tolist() == [0, 1, 2, 3, 4]
    after, expected = weights(model), weights(trained)
    body = [name for name in expected if not name.startswith("fc.")]
    assert len(body) == len(expected) - 2
    assert_same_weights({name: after[name] for name in body}, {name: expected[name] for name in body})
    with pytest.raises(ValueError, match="another network"):
        checkpoint.start_from(resnet.resnet18(width=8, stem="small"), trained, but_for="fc")


def test_the_layer_that_keeps_its_weights_may_lie_in_another_one():
    trained, model = (nn.Sequential(("body", nn.Linear(2, 2)), ("head", nn.Sequential(("fc", nn.Linear(2, 2)))))
                      for _ in range(2))  # fmt: skip
    before = weights(model)
    checkpoint.start_from(model, trained, but_for="head.fc")
    after = weights(model)
    np.testing.assert_array_equal(after["head.fc.weight"], before["head.fc.weight"])
    np.testing.assert_array_equal(after["body.weight"], weights(trained)["body.weight"])
    with pytest.raises(ValueError, match="no layer 'FC'"):
        checkpoint.start_from(model, trained, but_for="FC")


def test_a_warm_up_and_names_that_begin_alike_come_back(tmp_path):
    def made():
        """A network, one of whose parameters' names begins another's, and an optimizer after a step."""
        bias = paddle.ParamAttr(name="fc1_b")
        model = nn.Linear(2, 2, weight_attr=paddle.ParamAttr(name="fc1"), bias_attr=bias)
        rate = paddle.optimizer.lr.LinearWarmup(paddle.optimizer.lr.CosineAnnealingDecay(0.1, 5), 3, 0.01, 0.1)
        optimizer = paddle.optimizer.Adam(rate, parameters=model.parameters())
        model(paddle.ones([1, 2])).sum().backward()
        optimizer.step()
        rate.step()
        return model, optimizer

    path = checkpoint.save(tmp_path, *made(), 1, {"count": np.int64(3)})
    with paddle.utils.unique_name.guard():
        model, optimizer = made()
    assert checkpoint.restore(path, model, optimizer) == {"count": 3}


def test_a_state_that_has_no_place_in_a_checkpoint_is_refused_before_anything_is_written(tmp_path):
    """The optimizer's moments of a weight outside the model, say of a loss, were left out without a word."""
    model, loss = nn.Linear(2, 2), nn.Linear(2, 1)
    optimizer = paddle.optimizer.AdamW(parameters=[*model.parameters(), *loss.parameters()])
    loss(model(paddle.ones([1, 2]))).sum().backward()
    optimizer.step()
    with pytest.raises(ValueError, match="is of no weight of the model"):
        checkpoint.save(tmp_path, model, optimizer, 1, {})
    with pytest.raises(TypeError, match=r"notes of a checkpoint hold a (Posix|Windows)Path"):
        checkpoint.save(tmp_path, loss, paddle.optimizer.SGD(parameters=loss.parameters()), 1, {"data": tmp_path})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_weights_of_another_precision_are_converted(tmp_path, kind):
    model = small_network()
    halved = {name: value.astype(kind) for name, value in weights(model).items()}
    np.savez(tmp_path / "other.npz", **halved)
    other = resnet.resnet18(width=4, stem="small")
    checkpoint.load_weights(other, tmp_path / "other.npz")
    assert_same_weights({name: value.astype("float32") for name, value in halved.items()}, weights(other))


@pytest.mark.parametrize(("name", "error", "said"), [
    ("text.npz", ValueError, r"text\.npz .* is <U1 \["),
    ("bad.npz", ValueError, r"bad\.npz .*: train or copy it again"),
    ("wide.npz", ValueError, r"wide\.npz .* another network"),
    ("none.npz", FileNotFoundError, r"none\.npz"),
])  # fmt: skip
def test_a_file_that_does_not_fit_is_named_and_changes_nothing(tmp_path, name, error, said):
    (tmp_path / "bad.npz").write_bytes(b"these are no weights")
    np.savez(tmp_path / "text.npz", **{n: np.full(value.shape, "1") for n, value in weights(small_network()).items()})
    checkpoint.save_weights(resnet.resnet18(width=8, stem="small"), tmp_path / "wide.npz")
    model = small_network()
    before = weights(model)
    with pytest.raises(error, match=said):
        checkpoint.load_weights(model, tmp_path / name)
    assert_same_weights(model, before)


# --- checkpoints ------------------------------------------------------------------------------------------------------


def stop_after(*place):
    """For `after_batch`: as if the power failed after this batch of this epoch."""

    def stop(*now):
        if now == place:
            raise KeyboardInterrupt

    return stop


def fit(folder, resume=False, seed=0, model=None, epochs=4, **arguments):
    model = model or small_network(dropout=0.5)
    history = train(
        model, Stripes(40), Stripes(16, seed=1), epochs, 8, seed=seed, folder=folder, resume=resume, progress=None,
        best=None if folder is None else folder / "best.npz", **arguments,
    )  # fmt: skip
    return model, history


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(folder, network, history) of a training that nothing has stopped; not to be changed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "killed-while-writing.part").write_bytes(b"half")
    return folder, *fit(folder)


@pytest.mark.parametrize("place", [(0, 0), (0, 4), (1, 0), (3, 1)])
def test_a_stopped_training_goes_on_as_if_nothing_had_happened(undisturbed, tmp_path, place):
    folder, *whole = undisturbed
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, after_batch=stop_after(*place))
    paddle.nn.Linear(3, 3)  # Paddle's numbers of layers differ from now on
    resumed, history = fit(tmp_path, resume=True, model=resnet.resnet18(width=4, stem="small", dropout=0.5))
    assert_same_weights(whole[0], resumed)
    assert history == whole[1]
    for name in ("metrics.jsonl", "best.npz"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_two_checkpoints_and_a_json_line_an_epoch_are_kept_and_halves_are_removed(undisturbed):
    folder, _, history = undisturbed
    assert sorted(path.name for path in folder.iterdir()) == [
        "best.npz", "checkpoint-0003.npz", "checkpoint-0004.npz", "metrics.jsonl"
    ]  # fmt: skip
    assert [row["epoch"] for row in metrics(folder)] == [1, 2, 3, 4]
    assert [row["validation_auc"] for row in metrics(folder)] == history.validation_auc


def test_a_finished_training_is_only_read_again(undisturbed):
    folder, model, history = undisturbed
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again, same = fit(folder, resume=True)
    assert_same_weights(model, again)
    assert same == history
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(("error", "said", "arguments"), [
    (FileExistsError, "resume that training, or choose another folder", {}),
    (checkpoint.CheckpointError, "with epochs 4, this one has epochs 5", {"resume": True, "epochs": 5}),
    (checkpoint.CheckpointError, "with seed 0, this one has seed 1", {"resume": True, "seed": 1}),
    (checkpoint.CheckpointError, "with epochs 4, seed 0, this one has epochs 5, seed 1: repeat",
     {"resume": True, "epochs": 5, "seed": 1}),
    (checkpoint.CheckpointError, "does not say its norm: an older version of .*another folder",
     {"resume": True, "also": {"norm": "group"}}),
])  # fmt: skip
def test_another_training_neither_writes_over_it_nor_goes_on_with_it(undisturbed, error, said, arguments):
    with pytest.raises(error, match=said):
        fit(undisturbed[0], **arguments)


def older(path):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"]))
    np.savez(path, **{**arrays, "about": np.array(json.dumps({**about, "format": 0}))})


HARM = {
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:3000] + b"!" + path.read_bytes()[3001:]),
    "older": older,
    "foreign": lambda path: np.savez(path, weight=np.zeros(3)),
    "weights": lambda path: checkpoint.save_weights(small_network(), path),
}


@pytest.mark.parametrize("harm", HARM)
def test_the_checkpoint_before_a_bad_one_is_used_and_named(undisturbed, tmp_path, harm):
    folder, model, _ = undisturbed
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    HARM[harm](tmp_path / "checkpoint-0004.npz")
    with pytest.warns(UserWarning, match=r"checkpoint-0004\.npz .*Going on from .*checkpoint-0003\.npz"):
        resumed, _ = fit(tmp_path, resume=True)
    assert_same_weights(model, resumed)


def test_without_a_good_one_every_bad_one_is_named(undisturbed, tmp_path):
    for path in checkpoint.files(undisturbed[0]):
        (tmp_path / path.name).write_bytes(b"no checkpoint")
    with pytest.raises(checkpoint.CheckpointError, match=r"0004\.npz is damaged.*0003\.npz is damaged"):
        fit(tmp_path, resume=True)


def test_a_checkpoint_of_another_network_is_refused_and_changes_nothing(undisturbed):
    other = resnet.resnet18(width=8, stem="small")
    before = weights(other)
    optimizer = paddle.optimizer.AdamW(parameters=other.parameters())
    with pytest.raises(checkpoint.CheckpointError, match="of another network"):
        checkpoint.restore(checkpoint.files(undisturbed[0])[0], other, optimizer)
    assert_same_weights(other, before)


def test_a_checkpoint_of_another_schedule_is_refused_and_changes_nothing(undisturbed):
    """Of `fit`'s schedule nothing can go on with one rate throughout."""
    folder, *_ = undisturbed
    model = small_network(dropout=0.5)
    before, optimizer = weights(model), paddle.optimizer.AdamW(0.1, parameters=model.parameters())
    with pytest.raises(checkpoint.CheckpointError, match=r"0004\.npz is of a training with another schedule"):
        checkpoint.restore(folder / "checkpoint-0004.npz", model, optimizer)
    assert_same_weights(model, before)


def test_a_full_disk_loses_no_earlier_checkpoint(undisturbed, tmp_path):
    with contextlib.ExitStack() as stack, pytest.raises(OSError, match="File too large"):
        fit(
            tmp_path,
            after_batch=lambda epoch, batch: (epoch, batch) == (2, 0) and stack.enter_context(full_disk(20_000)),
        )
    assert [path.name for path in checkpoint.files(tmp_path)] == ["checkpoint-0002.npz", "checkpoint-0001.npz"]
    assert not list(tmp_path.glob("*.part"))
    resumed, _ = fit(tmp_path, resume=True)
    assert_same_weights(undisturbed[1], resumed)


def test_a_checkpoint_that_says_nothing_of_its_settings_is_refused_in_a_sentence(tmp_path):
    model = small_network()
    schedule = paddle.optimizer.lr.OneCycleLR(0.1, total_steps=9)
    checkpoint.save(tmp_path, model, paddle.optimizer.AdamW(schedule, parameters=model.parameters()), 1, {})
    with pytest.raises(checkpoint.CheckpointError, match=r"0001\.npz does not say its images, epochs, .*seed"):
        fit(tmp_path, resume=True)


def test_weights_that_are_no_numbers_are_not_kept_as_the_last_good_ones(tmp_path):
    model = small_network(dropout=0.5)

    def spoil(epoch, batch):
        if (epoch, batch) == (1, 4):  # after the last loss that is looked at
            model.fc.bias.set_value(np.full(2, np.nan, np.float32))

    with pytest.raises(FloatingPointError, match=r"after epoch 2 are no numbers: .* good checkpoint is .*0001\.npz"):
        fit(tmp_path, model=model, after_batch=spoil)
    assert checkpoint.files(tmp_path)[0].name == "checkpoint-0001.npz"


@pytest.mark.parametrize(("folder", "known"), [("kept", r"; .*checkpoint-0002\.npz"), (None, "")])
def test_a_loss_that_is_not_a_number_names_epoch_batch_and_the_last_good_checkpoint(tmp_path, folder, known):
    data = Stripes(40)

    def spoil(epoch, batch):
        if (epoch, batch) == (1, 4):
            data.images[:] = np.nan

    runtime.seed(0)
    model = paddle.nn.Sequential(paddle.nn.Flatten(), paddle.nn.Linear(3 * 16 * 16, 2))  # a ReLU would make 0 of it
    folder = folder and tmp_path / folder
    with pytest.raises(FloatingPointError, match=rf"in epoch 3, batch 1: lower the learning rate, now [^;]+{known}$"):
        train(model, data, epochs=4, batch_size=8, folder=folder, progress=None, after_batch=spoil)

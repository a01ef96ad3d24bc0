"""helpers.checkpoint: weights and trainings come back bit for bit; a bad file is named and harms nothing."""
import json
import pickle
import signal
import zipfile
from pathlib import Path

from helpers import checkpoint, resnet, runtime, train
from tests.test_train import Stripes, small_network, weights

import numpy as np
import paddle
import pytest

# --- weights

def test_weights_come_back_bit_for_bit(tmp_path):
    model = small_network()
    checkpoint.save_weights(model, tmp_path / "new" / "model.npz")
    other = resnet.resnet18(width=4, stem="small")
    checkpoint.load_weights(other, tmp_path / "new" / "model.npz")
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, weights(other)[name])


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    model, path = small_network(), tmp_path / "model.npz"
    checkpoint.save_weights(model, path)
    old = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save_weights(model, path)
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


class Hostile:
    def __reduce__(self):
        return Path.write_text, (Path("hostile-code-ran"), "")


def directory_flipped(content, offset, mask):
    """An archive with some bits turned over in the first entry of the list at its end."""
    position = content.index(b"PK\x01\x02") + offset
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


BAD = ["array", "version", "encrypted", "header", "truncated", "flipped", "empty", "text", "pickle", "objects",
       "foreign"]  # fmt: skip


def bad_files(folder):
    good = folder / "good.npz"
    checkpoint.save_weights(small_network(), good)
    content = good.read_bytes()
    np.savez(folder / "objects.npz", weight=np.array([Hostile()], dtype=object))
    with np.load(good) as arrays:
        np.savez(folder / "foreign.npz", other=arrays[arrays.files[0]])
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(folder / "header.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"'descr'", b"'descr "))
    np.save(folder / "array.npy", np.zeros(3))
    return {
        "array": (folder / "array.npy").read_bytes(),
        "version": directory_flipped(content, 6, 0xFF),
        "encrypted": directory_flipped(content, 8, 0x01),
        "header": (folder / "header.npz").read_bytes(),
        "truncated": content[: len(content) // 2],
        "flipped": content[:2000] + bytes([content[2000] ^ 255]) + content[2001:],
        "empty": b"",
        "text": b"these are no weights",
        "pickle": pickle.dumps(Hostile()),
        "objects": (folder / "objects.npz").read_bytes(),
        "foreign": (folder / "foreign.npz").read_bytes(),
    }


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_runs_no_code_and_changes_nothing(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{kind}-weights.npz"
    path.write_bytes(bad_files(tmp_path)[kind])
    model = small_network()
    before = weights(model)
    with pytest.raises(ValueError, match=path.name):
        checkpoint.load_weights(model, path)
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])
    assert not Path("hostile-code-ran").exists()


def test_weights_of_another_width_and_a_missing_file_are_named(tmp_path):
    checkpoint.save_weights(resnet.resnet18(width=8, stem="small"), tmp_path / "wide.npz")
    with pytest.raises(ValueError, match="another network"):
        checkpoint.load_weights(small_network(), tmp_path / "wide.npz")
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        checkpoint.load_weights(small_network(), tmp_path / "none.npz")


# --- checkpoints


class Stop(paddle.callbacks.Callback):
    """As if the power failed after a number of batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, step, logs=None):
        self.batches -= 1
        if self.batches == 0:
            raise KeyboardInterrupt


def fit(folder, resume=False, seed=0, model=None, epochs=4, **arguments):
    model = model or small_network(dropout=0.5)
    history = train.fit(
        model, Stripes(40), Stripes(16, seed=1), epochs, 8, seed=seed, folder=folder, resume=resume, progress=None,
        best=None if folder is None else folder / "best.npz", **arguments,
    )  # fmt: skip
    return model, history


def assert_same_weights(one, other):
    for name, value in weights(one).items():
        np.testing.assert_array_equal(value, weights(other)[name])


@pytest.mark.parametrize("batches", [1, 5, 6, 17])
def test_a_stopped_training_goes_on_as_if_nothing_had_happened(tmp_path, batches):
    undisturbed, whole = fit(tmp_path / "undisturbed")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "stopped", more=[Stop(batches)])
    paddle.nn.Linear(3, 3)  # Paddle's numbers of layers differ from now on
    resumed, history = fit(tmp_path / "stopped", resume=True, model=resnet.resnet18(width=4, stem="small", dropout=0.5))
    assert_same_weights(undisturbed, resumed)
    assert history == whole
    for name in ("metrics.jsonl", "best.npz"):
        one, other = ((tmp_path / folder / name).read_bytes() for folder in ("undisturbed", "stopped"))
        assert one == other


def test_a_finished_training_is_only_read_again(tmp_path):
    model, history = fit(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again, same = fit(tmp_path, resume=True)
    assert_same_weights(model, again)
    assert same == history
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_the_metrics_are_a_json_line_an_epoch(tmp_path):
    _, history = fit(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["validation_auc"] for row in rows] == history.validation_auc


def test_two_checkpoints_are_kept_and_halves_are_removed(tmp_path):
    (tmp_path / "killed-while-writing.part").write_bytes(b"half")
    fit(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.npz", "checkpoint-0003.npz", "checkpoint-0004.npz", "metrics.jsonl"
    ]  # fmt: skip


def test_a_training_is_not_written_over(tmp_path):
    fit(tmp_path)
    with pytest.raises(FileExistsError, match="resume that training, or choose another folder"):
        fit(tmp_path)


def test_other_settings_are_named(tmp_path):
    fit(tmp_path)
    with pytest.raises(checkpoint.CheckpointError, match="with epochs 4, this one has 5"):
        fit(tmp_path, resume=True, epochs=5)
    with pytest.raises(checkpoint.CheckpointError, match="with seed 0, this one has 1"):
        fit(tmp_path, resume=True, seed=1)
    with pytest.raises(checkpoint.CheckpointError, match="with norm None, this one has group"):
        fit(tmp_path, resume=True, also={"norm": "group"})


def older(path):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"]))
    np.savez(path, **{**arrays, "about": np.array(json.dumps({**about, "format": 0}))})


def other_header(path):
    with zipfile.ZipFile(path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content.replace(b"'descr'", b"'descr "))


def one_array(path):
    with path.open("wb") as file:  # np.save would add .npy to the name
        np.save(file, np.zeros(3))


HARM = {
    "array": one_array,
    "version": lambda path: path.write_bytes(directory_flipped(path.read_bytes(), 6, 0xFF)),
    "encrypted": lambda path: path.write_bytes(directory_flipped(path.read_bytes(), 8, 0x01)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:3000] + b"!" + path.read_bytes()[3001:]),
    "empty": lambda path: path.write_bytes(b""),
    "header": other_header,
    "older": older,
    "foreign": lambda path: np.savez(path, weight=np.zeros(3)),
    "weights": lambda path: checkpoint.save_weights(small_network(), path),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Hostile())),
    "objects": lambda path: np.savez(path, about=np.array([Hostile()], dtype=object)),
}


@pytest.mark.parametrize("harm", HARM)
def test_the_checkpoint_before_a_bad_one_is_used_and_named(tmp_path, monkeypatch, harm):
    monkeypatch.chdir(tmp_path)
    undisturbed, _ = fit(tmp_path / "undisturbed")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "stopped", more=[Stop(13)])
    HARM[harm](tmp_path / "stopped" / "checkpoint-0002.npz")
    with pytest.warns(UserWarning, match=r"checkpoint-0002\.npz .*Going on from .*checkpoint-0001\.npz"):
        resumed, _ = fit(tmp_path / "stopped", resume=True)
    assert_same_weights(undisturbed, resumed)
    assert not Path("hostile-code-ran").exists()


def test_without_a_good_one_every_bad_one_is_named(tmp_path):
    fit(tmp_path)
    for path in checkpoint.files(tmp_path):
        path.write_bytes(b"no checkpoint")
    with pytest.raises(checkpoint.CheckpointError, match=r"0004\.npz is damaged.*0003\.npz is damaged"):
        fit(tmp_path, resume=True)


def test_a_checkpoint_of_another_network_is_refused_and_changes_nothing(tmp_path):
    fit(tmp_path)
    other = resnet.resnet18(width=8, stem="small")
    before = weights(other)
    optimizer = paddle.optimizer.AdamW(parameters=other.parameters())
    with pytest.raises(checkpoint.CheckpointError, match="of another network"):
        checkpoint.restore(checkpoint.files(tmp_path)[0], other, optimizer)
    for name, value in weights(other).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_full_disk_loses_no_earlier_checkpoint(tmp_path):
    """A limit on the size of files stands for the full disk: writing fails half way, as it does there."""
    resource = pytest.importorskip("resource", reason="Windows cannot limit the size of files")
    undisturbed, _ = fit(tmp_path / "undisturbed")

    class Fill(paddle.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(OSError, match="File too large"):
            fit(tmp_path / "full", more=[Fill()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in checkpoint.files(tmp_path / "full")] == ["checkpoint-0002.npz", "checkpoint-0001.npz"]
    assert not list((tmp_path / "full").glob("*.part"))
    resumed, _ = fit(tmp_path / "full", resume=True)
    assert_same_weights(undisturbed, resumed)


def test_a_loss_that_is_not_a_number_names_the_last_good_checkpoint(tmp_path):
    data = Stripes(40)

    class Spoil(paddle.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                data.images[:] = np.nan

    runtime.seed(0)
    model = paddle.nn.Sequential(paddle.nn.Flatten(), paddle.nn.Linear(3 * 16 * 16, 2))
    with pytest.raises(FloatingPointError, match=r"in epoch 3, batch 1: .*checkpoint-0002\.npz"):
        train.fit(model, data, epochs=4, batch_size=8, folder=tmp_path, progress=None, more=[Spoil()])

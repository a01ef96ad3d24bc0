"""training.model_file: what is loaded answers as what was saved; a stranger's file can do no harm."""
import contextlib
import functools
import io
import json
import zipfile
from dataclasses import replace

from helpers import runtime
from helpers.files import read_arrays, write_arrays
from helpers.training import checkpoint, model_file, resnet
from helpers.training.inference import probabilities
from helpers.training.model_file import About, ModelFileError
from tests.tools.small_training import assert_same_weights

import numpy as np
import paddle
import pytest

ABOUT = About(
    network="resnet10", size=32, arguments={"width": 4}, temperature=0.7, threshold=0.4, fingerprint="0" * 64,
    card={"intended use": "学习；not a medical device", "accuracy": [0.96, 0.93, 0.98]},
)  # fmt: skip


def network(norm="batch"):
    runtime.seed(0)
    return About(network="resnet10", size=32, norm=norm, arguments={"width": 4}).build()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "模型.npz"
    model_file.save(path, network(), ABOUT)
    return path


@pytest.mark.parametrize("about", [
    ABOUT, About("resnet10", 64, "group", {"width": 4}), About("resnet10", 64, "none", {"width": 4, "stem": "small"}),
    About("resnet18", 64, "batch", {"width": 4, "num_classes": 3, "dropout": 0.5}, classes=("a", "b", "c")),
])  # fmt: skip
def test_what_is_loaded_is_what_was_saved(tmp_path, about):
    model = about.build()
    model_file.save(tmp_path / "a.npz", model, about)
    loaded, said = model_file.load(tmp_path / "a.npz")
    assert said == about
    assert not loaded.training
    assert_same_weights(model, loaded)
    x = paddle.to_tensor(np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype("float32"))
    model.eval()
    np.testing.assert_array_equal(probabilities(model, x), probabilities(loaded, x))


def test_the_default_layers_are_the_network_of_the_course(tmp_path):
    model = resnet.resnet10(width=4)
    model_file.save(tmp_path / "a.npz", model, ABOUT)
    assert_same_weights(model, model_file.load(tmp_path / "a.npz")[0])


def test_half_of_the_bytes_give_nearly_the_same_weights(tmp_path):
    model = network()
    model_file.save(tmp_path / "a.npz", model, ABOUT, half=True)
    model_file.save(tmp_path / "b.npz", model, ABOUT)
    loaded = model_file.load(tmp_path / "a.npz")[0]
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(loaded.state_dict()[name].numpy(), value.numpy(), rtol=1e-3, atol=1e-6)
        assert loaded.state_dict()[name].dtype == value.dtype
    sizes = [sum(array.nbytes for name, array in read_arrays(tmp_path / file).items() if name != "about")
             for file in ("a.npz", "b.npz")]  # fmt: skip
    assert 2 * sizes[0] == sizes[1]
    model.fc.bias.set_value(np.full(2, 1e6, np.float32))
    with pytest.raises(ValueError, match=r"do not fit into float16: fc\.bias is not finite"):
        model_file.save(tmp_path / "a.npz", model, ABOUT, half=True)


def test_a_fingerprint_depends_on_every_pixel_and_on_the_shape():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    other = images.copy()
    other[1, 3, 3, 2] = 1
    assert len({model_file.fingerprint(each) for each in (images, other, images.reshape(2, 2, 8, 3))}) == 3
    assert model_file.fingerprint(images) == model_file.fingerprint(images[:, ::-1])


def test_a_file_from_before_there_was_a_temperature_has_none(path):
    changed(path, temperature=None)
    assert model_file.load(path)[1] == replace(ABOUT, temperature=1.0)


def test_is_model_file(path, tmp_path):
    assert model_file.is_model_file(path)
    write_arrays(tmp_path / "weights.npz", {"a": np.zeros(3)})
    (tmp_path / "text.npz").write_text("hello")
    assert not any(model_file.is_model_file(tmp_path / name) for name in ("weights.npz", "text.npz", "none.npz"))


# --- what is refused -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("wrong", [
    {"network": "vgg"}, {"size": 5000}, {"size": 96.0}, {"size": True}, {"norm": "sync"}, {"threshold": 1.5},
    {"temperature": 0}, {"temperature": float("inf")}, {"temperature": "warm"},
    {"threshold": float("nan")}, {"arguments": {"width": 100_000}}, {"arguments": {"depths": [1]}},
    {"arguments": []}, {"flip": 1}, {"classes": ("a",)}, {"card": []}, {"normalisation": 3}, {"threshold": 10**400},
    {"classes": ("a", "b", "a")}, {"card": {"deep": functools.reduce(lambda inner, _: [inner], range(500), 0)}},
])  # fmt: skip
def test_a_description_that_will_not_do(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} of a model cannot be"):
        About(**{"network": "resnet10", "size": 32, **wrong})


def test_save_refuses_other_weights_and_cards_that_are_no_json(tmp_path):
    with pytest.raises(ValueError, match="another network than it is said to be"):
        model_file.save(tmp_path / "a.npz", resnet.resnet10(width=8), ABOUT)
    for card in ({"a": object()}, {"a": float("nan")}, {"a": "x" * model_file.LONGEST}):
        with pytest.raises(ValueError, match=r"JSON|card"):
            model_file.save(tmp_path / "a.npz", network(), About("resnet10", 32, arguments={"width": 4}, card=card))
    assert not list(tmp_path.iterdir())


def changed(path, **changes):
    """The file with other entries in its description; None takes one away."""
    arrays = read_arrays(path)
    said = {**json.loads(str(arrays["about"])), **changes}
    arrays["about"] = np.array(json.dumps({name: value for name, value in said.items() if value is not None}))
    write_arrays(path, arrays)


@pytest.mark.parametrize(("changes", "said"), [
    ({"format": 2}, "has format 2, this program reads 1: train anew, or update"),
    ({"format": None}, "does not say what it holds"),
    ({"network": None}, "describes no model of this program"),
    ({"network": "os.system"}, "network of a model cannot be 'os.system'"),
    ({"classes": 7}, "describes no model"),
    ({"more": 1}, "describes no model"),
    ({"arguments": {"width": 8}}, "does not hold the network that it describes"),
    ({"norm": "group"}, "does not hold the network that it describes"),
])  # fmt: skip
def test_descriptions_that_do_not_fit(path, changes, said):
    changed(path, **changes)
    with pytest.raises(ModelFileError, match=said):
        model_file.load(path)


def test_a_checkpoint_is_no_model_and_says_what_is(tmp_path):
    model = network()
    optimizer = paddle.optimizer.AdamW(parameters=model.parameters())
    for name in (checkpoint.save(tmp_path, model, optimizer, 3, {}), tmp_path / "weights.npz"):
        checkpoint.save_weights(model, tmp_path / "weights.npz")
        with pytest.raises(ModelFileError, match=rf"{name.name} (is a checkpoint of|does not say .*) .*model\.npz"):
            model_file.load(name)


def test_a_packed_file_that_is_damaged(path):
    arrays = read_arrays(path)
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path) as bundle:
        start = bundle.getinfo("about.npy").header_offset
    whole = path.read_bytes()
    path.write_bytes(whole[: start + 60] + bytes(40) + whole[start + 100 :])
    with pytest.raises(ModelFileError, match="no model file, or damaged"):
        model_file.load(path)


def test_weights_that_are_not_finite(path):
    arrays = read_arrays(path)
    arrays["weights/fc.bias"] = np.full_like(arrays["weights/fc.bias"], np.nan)
    write_arrays(path, arrays)
    with pytest.raises(ModelFileError, match=r"fc\.bias is not finite"):
        model_file.load(path)


def bundle(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def array(value, shape=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, value, allow_pickle=True)
    data = file.getvalue()
    if shape is None:
        return data
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"shape": shape, "fortran_order": False, "descr": value.dtype.str})
    return head.getvalue() + value.tobytes()


def test_files_that_ask_for_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "read_arrays", lambda path: pytest.fail("unpacked"))
    path = tmp_path / "a.npz"
    monkeypatch.setattr(model_file, "LARGEST", 1 << 20)
    with pytest.raises(ModelFileError, match="too large for a model"):
        model_file.load(bundle(path, big=array(np.zeros(200_000))))  # 1.6 MB of zeros, packed to nothing
    with pytest.raises(ModelFileError, match=r"big\.npy is not what it says"):
        model_file.load(bundle(path, big=array(np.zeros(3), shape=(1 << 40,))))
    with pytest.raises(ModelFileError, match="too large for a model"):
        model_file.load(bundle(path, **{f"a{i}": array(np.zeros(1)) for i in range(model_file.MOST + 1)}))
    monkeypatch.setattr(model_file, "LONGEST", 1000)
    with pytest.raises(ModelFileError, match="too long"):
        model_file.load(bundle(path, about=array(np.array("x" * 1000))))


def test_files_with_code_or_rubbish_in_them(tmp_path, path):
    ran = []

    class Bomb:
        def __reduce__(self):
            return ran.append, (1,)

    bad = tmp_path / "bad.npz"
    with pytest.raises(ModelFileError, match="not what it says"):
        model_file.load(bundle(bad, about=array(np.array([Bomb()], dtype=object))))
    assert not ran
    whole = path.read_bytes()
    for data in (b"", b"hello", whole[:1000], whole[:-40]):
        bad.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"bad\.npz is no model file, or damaged"):
            model_file.load(bad)
    for position in np.random.default_rng(0).integers(0, len(whole), 60).tolist():
        bad.write_bytes(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
        with contextlib.suppress(ModelFileError):
            assert_same_weights(model_file.load(bad)[0], network())  # a byte that nobody reads
    with pytest.raises(FileNotFoundError):
        model_file.load(tmp_path / "none.npz")


@pytest.mark.parametrize("half", [False, True])
def test_a_network_of_bfloat16_comes_back_as_its_numbers(tmp_path, half):
    model = network()
    expected = {name: value.astype("bfloat16").astype("float32").numpy() for name, value in model.state_dict().items()}
    model.to(dtype="bfloat16")
    model_file.save(tmp_path / "m.npz", model, ABOUT, half=half)
    for name, value in model_file.load(tmp_path / "m.npz")[0].state_dict().items():
        np.testing.assert_allclose(value.numpy(), expected[name], rtol=1e-2, atol=1e-6, err_msg=name)


def test_what_is_infinite_as_float32_is_neither_written_nor_read(tmp_path):
    model = network()
    model.to(dtype="float64")
    model.fc.bias.set_value(np.array([1e300, 0]))
    with pytest.raises(ValueError, match=r"fc\.bias is not finite"):
        model_file.save(tmp_path / "m.npz", model, ABOUT)
    model_file.save(tmp_path / "m.npz", network(), ABOUT)
    arrays = read_arrays(tmp_path / "m.npz")
    write_arrays(tmp_path / "m.npz", {**arrays, "weights/fc.bias": np.array([1e300, 0])})
    with pytest.raises(ModelFileError, match=r"fc\.bias is not finite"):
        model_file.load(tmp_path / "m.npz")


def test_random_numbers_and_the_default_type_do_not_meet_a_model_file(tmp_path, path):
    """A network that is built to be filled draws weights, of Paddle's default type, which another cell may have set."""
    model, about = model_file.load(path)
    paddle.seed(1)
    expected = paddle.rand([3]).numpy()
    paddle.seed(1)
    model_file.save(tmp_path / "again.npz", model, about)
    paddle.set_default_dtype("float64")
    try:
        again, _ = model_file.load(tmp_path / "again.npz")
    finally:
        paddle.set_default_dtype("float32")
    np.testing.assert_array_equal(paddle.rand([3]).numpy(), expected)
    assert {value.dtype for value in again.state_dict().values()} == {paddle.float32}
    x = paddle.rand([1, 3, about.size, about.size])
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())

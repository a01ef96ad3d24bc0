"""A training of seconds for the tests: noise with a bright left half in class 1, and a small network for it."""
from helpers import runtime
from helpers.training import fit as training
from helpers.training import resnet

import numpy as np
from paddle import nn
from paddle.io import Dataset


class Stripes(Dataset):
    """Noise, with a bright left half in class 1: something that a network learns in seconds."""

    def __init__(self, count: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.labels = np.arange(count) % 2
        self.images = rng.normal(size=(count, 3, 16, 16)).astype("float32")
        self.images[self.labels == 1, :, :, :8] += 1

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.images[index], self.labels[index]


def small_network(**arguments) -> nn.Layer:
    runtime.seed(0)
    return resnet.resnet18(width=4, stem="small", **arguments)


def fit(model: nn.Layer, epochs: int = 3, **arguments) -> training.History:
    arguments = {"batch_size": 16, "learning_rate": 3e-3, "progress": None, **arguments}
    return training.fit(model, Stripes(64), Stripes(32, seed=1), epochs, **arguments)


def weights(model: nn.Layer) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.state_dict().items()}


def assert_same_weights(*both: nn.Layer | dict[str, np.ndarray]) -> None:
    """Two networks, or arrays by name as `weights` and `read_arrays` give them, are equal bit for bit."""
    one, other = (weights(each) if isinstance(each, nn.Layer) else each for each in both)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)

"""The two tasks of the homework, as notebook 04 makes them."""
from helpers import language
from helpers.homework import counting_task, table_task, trace
from helpers.homework.answers import Task

import pytest
from paddle import nn

LAYERS = {
    "conv1": nn.Conv2D(3, 6, 5, padding=2), "pool1": nn.MaxPool2D(2, 2),
    "conv2": nn.Conv2D(6, 16, 5, padding=2), "pool2": nn.MaxPool2D(2, 2),
    "flatten": nn.Flatten(), "fc1": nn.Linear(50176, 64), "fc2": nn.Linear(64, 1),
}  # fmt: skip


@pytest.fixture(scope="session")
def table() -> Task:
    return table_task(nn.Sequential(*LAYERS.items()), [10, 3, 224, 224], given=["conv1"])


@pytest.fixture(scope="session")
def counting() -> Task:
    return counting_task(trace(nn.Conv2D(3, 64, 3, padding=1), [10, 3, 224, 224])[0])


@pytest.fixture
def chinese():
    """Feedback speaks Chinese during a test."""
    language.speak("zh")
    yield
    language.speak("en")

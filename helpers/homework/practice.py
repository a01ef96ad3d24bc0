"""Networks to practise on: a new one for every seed, and the questions about it."""
from __future__ import annotations

import numbers

from helpers.homework.answers import Practice, shown
from helpers.homework.questions import counting_task, table_task
from helpers.homework.trace import trace
from helpers.language import Text
from helpers.runtime import same_random_numbers

import numpy as np
import paddle
from paddle import nn


def practice(seed: int, hard: bool = False) -> Practice:
    """The table of the `network` of a seed, and the operations of its first convolution, to fill in."""
    with same_random_numbers():
        model, shape = network(seed, hard)
    first = trace(model, shape)[0]
    table, counts = table_task(model, shape), counting_task(first, steps=False)
    named = {f"{first.name} {name.split()[1]}": entries for name, entries in counts.groups.items()}
    return Practice(table.groups | named, about=table.about)


def network(seed: int, hard: bool = False) -> tuple[nn.Layer, list[int]]:
    """A new network for every seed, and the shape of its input, [N, C, H, W].

    Args:
        seed: a whole number, 0 or more; anything else raises a ValueError.
        hard: dilation, a depthwise and a pointwise convolution, a residual block and a transposed convolution.
    """
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        wanted = Text("种子要取从 0 起的整数，这里是 {}", "the seed must be a whole number from 0 on, not {}")
        raise ValueError(wanted.format(shown(seed)))
    rng = np.random.default_rng(int(seed))

    def draw(*choices: int) -> int:
        return int(rng.choice(choices))

    shape = [draw(2, 4, 5), draw(1, 3), draw(33, 36, 40, 45), draw(30, 34, 38, 41)]
    first, second = draw(4, 6, 8), draw(10, 12, 16)
    if hard:
        layers = [
            ("dilated", nn.Conv2D(shape[1], first, 3, padding=draw(0, 1, 2), dilation=draw(2, 3))),
            ("depthwise", nn.Conv2D(first, first, draw(3, 5), stride=draw(1, 2), padding=1, groups=first)),
            ("pointwise", nn.Conv2D(first, second, 1, bias_attr=False)),
            ("block", _Residual(second, 2 * second)),
            ("up", nn.Conv2DTranspose(2 * second, first, draw(2, 3, 4), stride=2, padding=draw(0, 1))),
        ]
    else:
        layers = [
            ("conv1", nn.Conv2D(shape[1], first, draw(3, 5, 7), stride=draw(1, 2), padding=draw(0, 1, 2))),
            ("pool1", nn.MaxPool2D(draw(2, 3), stride=2, ceil_mode=bool(draw(0, 1)))),
            ("conv2", nn.Conv2D(first, second, draw(1, 3), padding=draw(0, 1))),
            ("pool2", nn.AvgPool2D(2, stride=2, ceil_mode=bool(draw(0, 1)))),
            ("flatten", nn.Flatten()),
        ]
        flat = nn.Sequential(*layers)(paddle.zeros(shape)).shape[1]
        hidden = draw(20, 32, 50)
        layers += [("fc1", nn.Linear(flat, hidden)), ("fc2", nn.Linear(hidden, draw(2, 3, 7)))]
    return nn.Sequential(*layers), shape


class _Residual(nn.Layer):
    """Two convolutions beside a shortcut; nothing else, since only shapes are asked for."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels, channels, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2D(channels, channels, 3, padding=1, bias_attr=False)
        self.shortcut = nn.Conv2D(in_channels, channels, 1, stride=2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv2(self.conv1(x)) + self.shortcut(x)

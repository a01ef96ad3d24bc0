"""Residual networks written to be read: ResNet-10 and -18; width, stem, norm and Dropout are arguments.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016, https://arxiv.org/abs/1512.03385.
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from helpers import runtime  # noqa: F401  before paddle
from helpers.checks import number, shown, whole
from helpers.training import parallel

import paddle
from paddle import nn

Norm = Callable[[int], nn.Layer]  # from a number of channels to the layer that normalises them
STEMS = {  # side of the first convolution's kernel, its stride, and whether a pooling halves the size once more
    "imagenet": (7, 2, True), "small-kernel": (3, 2, True), "small": (3, 1, False),
}  # fmt: skip


def group_norm(channels: int, channels_per_group: int = 8) -> nn.GroupNorm:
    """GroupNorm with groups of equal size, as Wu and He (2018) recommend, https://arxiv.org/abs/1803.08494."""
    return nn.GroupNorm(max(1, channels // channels_per_group), channels)


def no_norm(channels: int) -> nn.Identity:
    """In the place of a normalisation: nothing. The convolutions before it then have a bias."""
    return nn.Identity()


def conv(in_channels: int, out_channels: int, kernel_size: int, stride: int, norm: Norm) -> nn.Conv2D:
    """A convolution that keeps the size at stride 1; without a bias where the normalisation after it brings its own."""
    bias = None if norm is no_norm else False
    return nn.Conv2D(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias_attr=bias)


def shortcut(in_channels: int, out_channels: int, stride: int, norm: Norm) -> nn.Layer:
    """The way around a block: the input itself, or a 1 x 1 convolution where the shape changes."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(conv(in_channels, out_channels, 1, stride, norm), norm(out_channels))


class BasicBlock(nn.Layer):
    """Two 3 x 3 convolutions and the way around them: [N, in, H, W] -> [N, width, H / stride, W / stride]."""

    def __init__(self, in_channels: int, width: int, stride: int = 1, norm: Norm = nn.BatchNorm2D):
        super().__init__()
        self.residual = nn.Sequential(
            conv(in_channels, width, 3, stride, norm), norm(width), nn.ReLU(),
            conv(width, width, 3, 1, norm), norm(width),
        )  # fmt: skip
        self.shortcut = shortcut(in_channels, width, stride, norm)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return nn.functional.relu(self.residual(x) + self.shortcut(x))


class ResNet(nn.Layer):
    """Stem, four stages of residual blocks, mean over all positions, Dropout, one linear layer.

    Args:
        depths: number of blocks in each of the four stages.
        num_classes: length of the output, [N, num_classes].
        width: channels of the first stage; each further stage has twice as many. The paper's networks have 64.
        stem: one of STEMS: "imagenet" (7 x 7 convolution and pooling, a quarter of the input's size), "small-kernel"
            (the same with a 3 x 3 convolution, in half of the time) or "small" (one 3 x 3 convolution, the input's
            size, for images of about 32 pixels).
        norm: from a number of channels to a layer: nn.BatchNorm2D, group_norm, no_norm or your own.
        dropout: probability to drop a feature before the last layer.
        in_channels: channels of the input, [N, in_channels, H, W].

    Raises:
        ValueError: an unknown stem; a number of classes, blocks or channels that is none or below 1; a dropout that is
            no probability below 1.
    """

    def __init__(
        self, depths: tuple[int, int, int, int], num_classes: int = 2, width: int = 64, stem: str = "imagenet",
        norm: Norm = nn.BatchNorm2D, dropout: float = 0.0, in_channels: int = 3,
    ):  # fmt: skip
        super().__init__()
        num_classes, width = whole("num_classes", num_classes, 1), whole("width", width, 1)
        in_channels = whole("in_channels", in_channels, 1)
        if not isinstance(stem, str) or stem not in STEMS:
            raise ValueError(f"stem must be one of {', '.join(STEMS)}, not {shown(stem)}")
        if not isinstance(depths, (tuple, list)) or not depths:
            raise ValueError(f"depths must be the numbers of blocks of the stages, not {shown(depths)}")
        if not 0 <= number("dropout", dropout, most=1) < 1:
            raise ValueError(f"dropout must be from 0 on and below 1, not {shown(dropout)}")
        kernel_size, stride, pooled = STEMS[stem]
        pool = [nn.MaxPool2D(kernel_size=3, stride=2, padding=1)] if pooled else []
        first = conv(in_channels, width, kernel_size, stride, norm)
        self.stem = nn.Sequential(first, norm(width), nn.ReLU(), *pool)
        channels, stages = width, []
        for index, depth in enumerate(depths):
            stage_width, blocks = width * 2**index, []
            for position in range(whole("a depth", depth, 1)):
                stride = 2 if index > 0 and position == 0 else 1
                blocks.append(BasicBlock(channels, stage_width, stride, norm))
                channels = stage_width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def freeze_features(self) -> None:
        """Let training change the last layer alone: all other weights and BatchNorm's moving statistics stay."""
        for layer in (self.stem, self.stages):
            for parameter in layer.parameters():
                parameter.stop_gradient = True
            for each in chain(*parallel.batch_norms(layer)):
                each._use_global_stats = True  # in training as well

    def features(self, x: paddle.Tensor) -> paddle.Tensor:
        """What the last layer sees: the mean over all positions, [N, 8 width]."""
        return self.pool(self.stages(self.stem(x))).flatten(1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(self.dropout(self.features(x)))


def resnet10(**arguments) -> ResNet:
    """ResNet-10, one block in each stage; takes the keyword arguments of ResNet."""
    return ResNet((1, 1, 1, 1), **arguments)


def resnet18(**arguments) -> ResNet:
    """ResNet-18; takes the keyword arguments of ResNet."""
    return ResNet((2, 2, 2, 2), **arguments)

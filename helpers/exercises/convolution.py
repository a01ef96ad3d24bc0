"""The seven small exercises of notebook 04: sizes, parameters and multiplications of convolutions."""
from __future__ import annotations

from typing import Any

from helpers.exercises.exercise import Exercise, Mistake, Number
from helpers.language import Text

import numpy as np
import paddle
from paddle import nn


def _side(size: int, *how: int, **more: int) -> int:
    """The side of a convolution's output, as Paddle computes it."""
    return nn.Conv2D(1, 1, *how, **more)(paddle.zeros([1, 1, size, size])).shape[-1]


def _sizes() -> dict[str, Any]:
    return {"sizes": np.arange(5, 13)}


def _pooled(sizes: np.ndarray) -> list[int]:
    pool = nn.MaxPool1D(3, 2, ceil_mode=True)
    return [pool(paddle.zeros([1, 1, int(size)])).shape[-1] for size in sizes]


def _trained() -> int:
    block = nn.Sequential(nn.Conv2D(16, 32, 3, bias_attr=False), nn.BatchNorm2D(32))
    return sum(p.size for p in block.parameters() if not p.stop_gradient)


EXERCISES: dict[str, Exercise] = {
    "04.1": Number(
        title=Text("ResNet 的第一层", "first layer of ResNet"),
        truth=lambda: _side(224, 7, stride=2, padding=3),
        hints=(
            Text("填充之后有 230 个像素，核占去其中 7 个。",
                 "After padding there are 230 pixels; the kernel takes 7 of them."),
            Text("在余下的地方每步走 2 个像素；停下的地方比步数多一个。",
                 "In the room that is left it moves 2 pixels a step; there is one stop more than there are steps."),
        ),
        mistakes=(
            Mistake(Text("少了 1：要么起点没有算，要么填充只加了一边",
                         "1 too few: either the first stop is not counted, or the padding is added on one side only"),
                    111),
            Mistake(Text("没有算填充", "the padding is missing"), 109),
            Mistake(Text("没有算步幅", "the stride is missing"), 224),
            Mistake(Text("没有向下取整：最后那半步迈不出去",
                         "it is rounded down: there is no room for half a step"), 112.5),
        ),
        solution="answer = (224 + 2 * 3 - 7) // 2 + 1",
        why=Text("余地是 224 + 2 × 3 - 7 = 223 个像素，走得了 111 步，加上起点是 112 处。",
                 "The room is 224 + 2 × 3 - 7 = 223 pixels, enough for 111 steps; with the first stop that makes 112."),
    ),
    "04.2": Number(
        title=Text("一样大的输出", "an output of the same size"),
        truth=lambda: next(p for p in range(9) if _side(30, 5, padding=p, dilation=2) == 30),
        hints=(
            Text("空洞为 2 的核横跨几个像素？", "How many pixels does the kernel span with dilation 2?"),
            Text("在公式里令输出的边长等于 H，解出 p。",
                 "Set the side of the output to H in the formula and solve for p."),
        ),
        mistakes=(
            Mistake(Text("这是空洞为 1 时的", "that is for dilation 1"), 2),
            Mistake(Text("这是两边合起来的填充", "that is the padding of both sides together"), 8),
            Mistake(Text("核横跨 9 个像素，不是 10 个", "the kernel spans 9 pixels, not 10"), 4.5),
        ),
        solution="answer = 2 * (5 - 1) // 2",
        why=Text("步幅为 1 时要 2p = d(k - 1)，即 2p = 8。", "With stride 1 it takes 2p = d(k - 1), that is 2p = 8."),
    ),
    "04.3": Number(
        title=Text("向上取整的池化", "pooling, rounded up"),
        truth=_pooled, given=_sizes,
        hints=(
            Text("`sizes` 是数组，一个式子就能算出全部。", "`sizes` is an array: one expression does them all."),
            Text("用 `np.ceil`；或者先加步幅减 1，再整除。",
                 "`np.ceil`, or add the stride less 1 before the integer division."),
        ),
        mistakes=(
            Mistake(Text("这是向下取整", "that is rounded down"), (_sizes()["sizes"] - 3) // 2 + 1),
            Mistake(Text("起点也算一处", "the first stop counts as well"), lambda truth: truth - 1),
            Mistake(Text("没有取整", "it is not rounded"), (_sizes()["sizes"] - 3) / 2 + 1),
        ),
        solution="answer = (sizes - 3 + 1) // 2 + 1",
        why=Text("整数的向上取整：先加 s - 1 再整除 s。这里 s = 2，所以加 1。",
                 "Rounding up with integers: add s - 1, then divide by s. Here s = 2, so add 1."),
    ),
    "04.4": Number(
        title=Text("可训练的参数", "trainable parameters"),
        truth=_trained,
        hints=(
            Text("卷积：每个输出通道一个核，核看到全部输入通道；没有偏置。",
                 "The convolution: one kernel for each output channel, which sees all input channels; no bias."),
            Text("批归一化：每个通道一个 gamma、一个 beta；移动均值和移动方差不训练。",
                 "BatchNorm: a gamma and a beta for each channel; the moving mean and variance are not trained."),
        ),
        mistakes=(
            Mistake(Text("没有算 gamma 和 beta", "gamma and beta are missing"), 4608),
            Mistake(Text("这个卷积没有偏置", "this convolution has no bias"), 4704),
            Mistake(Text("移动均值和移动方差不训练", "the moving mean and variance are not trained"), 4736),
            Mistake(Text("每个核看到全部 16 个输入通道", "each kernel sees all 16 input channels"), 352),
        ),
        solution="answer = 32 * 16 * 3 * 3 + 2 * 32",
        why=Text("卷积 32 × 16 × 9 = 4608，批归一化 2 × 32 = 64。",
                 "The convolution has 32 × 16 × 9 = 4608 and BatchNorm 2 × 32 = 64."),
    ),
    "04.5": Number(
        title=Text("剩下的乘法", "share of the multiplications"),
        truth=lambda: 1 / 64 + 1 / 9, rtol=0.01,
        hints=(
            Text("对一个输出像素（全部 64 个通道），数一数两种做法各要几次乘法。",
                 "For one output pixel (all 64 channels), count the multiplications of either way."),
            Text("原来 64 × 64 × 9；后来两层之和：逐通道的 64 × 9，1 × 1 的 64 × 64。",
                 "Before 64 × 64 × 9; then the sum of two layers: 64 × 9 depthwise, and 64 × 64 for the 1 × 1."),
        ),
        mistakes=(
            Mistake(Text("没有算 1 × 1 卷积", "the 1 × 1 convolution is missing"), 1 / 64),
            Mistake(Text("没有算逐通道的卷积", "the depthwise convolution is missing"), 1 / 9),
            Mistake(Text("这是原来的除以后来的", "that is the old count over the new one"), lambda share: 1 / share),
            Mistake(Text("这是百分数；写成小于 1 的小数", "that is in per cent; write a decimal below 1"),
                    lambda share: 100 * share),
            Mistake(Text("这是省下的份额；问的是剩下的", "that is the share saved; asked for is what is left"),
                    lambda share: 1 - share),
        ),
        solution="answer = (64 * 9 + 64 * 64) / (64 * 64 * 9)",
        why=Text("就是 1 / 64 + 1 / 9，约 0.127，不到七分之一。",
                 "That is 1 / 64 + 1 / 9, about 0.127: less than a seventh."),
    ),
    "04.6": Number(
        title=Text("三个行号", "line numbers"),
        truth=lambda: [3, 4, 6],
        hints=(
            Text("照上面的错误信息，什么事还没有做？", "What has not been done yet, according to the error above?"),
            Text("改好它之后，下一个错误是什么？同样的错还在哪里？",
                 "Once that is mended, what is the next error? And where is the same one again?"),
        ),
        mistakes=(
            Mistake(Text("少写的一句，算在因它而失败的那一行上",
                         "the missing line counts at the line that fails for it"),
                    [2, 4, 6]),
            Mistake(Text("图像是 224 像素时，50176 没有错", "50176 is right for images of 224 pixels"), [4, 6, 7]),
            Mistake(Text("行号写在各行末尾的注释里", "the numbers stand in the comments at the ends of the lines"),
                    [4, 5, 7]),
            Mistake(Text("从小到大排列", "smallest first"), [6, 4, 3]),
        ),
        solution="answer = [3, 4, 6]",
        why=Text("第 3 行之前没有调用 `super().__init__()`，`nn.Layer` 靠它登记子层。"
                 "第 4、6 行的 `tride` 应为 `stride`。第 7 行的 50176 没有错，但只适合 224 像素的图像。",
                 "Before line 3 `super().__init__()` was not called, which `nn.Layer` needs to register its sublayers. "
                 "In lines 4 and 6 `tride` should be `stride`. The 50176 in line 7 is right, but only for 224 pixels."),
    ),
    "04.7": Number(
        title=Text("每秒几张", "images per second"),
        truth=lambda: 0.5e12 / 7.6e9, rtol=0.013,
        hints=(
            Text("一次乘加是几次浮点运算？", "How many floating-point operations is one multiply-accumulate?"),
            Text("只用得上一半的速度：每秒 0.5e12 次。",
                 "Only half can be used: 0.5e12 a second."),
        ),
        mistakes=(
            Mistake(Text("少了一个因子 2：一次乘加是两次运算，或只用得上一半的速度",
                         "one factor of 2 is missing: two operations for a multiply-accumulate, or half of the speed"),
                    lambda images: 2 * images),
            Mistake(Text("少了两个因子 2", "two factors of 2 are missing"), lambda images: 4 * images),
            Mistake(Text("这是一张图要几秒", "these are seconds for one image"), lambda images: 1 / images),
        ),
        solution="answer = 0.5 * 1e12 / (2 * 3.8e9)",
        why=Text("一张图要 7.6e9 次浮点运算，每秒能用 0.5e12 次，约 66 张。",
                 "An image takes 7.6e9 floating-point operations, of 0.5e12 a second: about 66 images."),
    ),
}  # fmt: skip

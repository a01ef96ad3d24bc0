"""The exercises of notebook 02: which numbers share a mean and a variance, and the layers that follow from it."""
from __future__ import annotations

from helpers.exercises import normalization_functions as norm
from helpers.exercises.exercise import Exercise, Function, Mistake, Number
from helpers.language import Text

import numpy as np

NO_EPSILON = Text("根号里少了 epsilon", "epsilon is missing under the root")
OUTSIDE = Text("epsilon 要加在根号里面", "epsilon belongs under the root")
KERNEL = np.random.default_rng(7).normal(size=[8, 3, 3, 3])


def largest(matrix: np.ndarray) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False)[0])


EXERCISES: dict[str, Exercise] = {
    "02.1": Number(
        title=Text("各有几对均值和方差", "how many pairs of mean and variance"),
        truth=lambda: [32, 8, 256, 64],
        hints=(
            Text("组号由哪些下标决定？它们的取值个数相乘。", "Which indices make a set number? Multiply their counts."),
            Text("数一数 `index_sets([8, 32, 14, 14], 8)` 里各有多少个不同的组号：`np.unique(...).size`。",
                 "Count the different numbers in `index_sets([8, 32, 14, 14], 8)`, each with `np.unique(...).size`."),
        ),
        mistakes=(
            Mistake(Text("组归一化的组，每个样本都有", "GroupNorm has its groups in every sample"), [32, 8, 256, 8]),
            Mistake(Text("实例归一化在每个样本里都有这么多通道",
                         "InstanceNorm has one pair for every channel of every sample"), [32, 8, 32, 64]),
            Mistake(Text("批归一化和层归一化写反了", "BatchNorm and LayerNorm are swapped"), [8, 32, 256, 64]),
            Mistake(Text("这是每一对用了几个数；问的是有几对",
                         "that is how many numbers each pair is made of; asked for is how many pairs"),
                    [1568, 6272, 196, 784]),
        ),
        solution="answer = [32, 8, 8 * 32, 8 * 8]",
        why=Text("依次是 C、N、N·C、N·G：组号只由这些下标决定，像素不在其中。",
                 "They are C, N, N·C and N·G: the set number is made of these indices, and none of them is a pixel."),
    ),
    "02.2": Function(
        title=Text("组归一化", "GroupNorm"),
        truth=norm.group_norm, draw=norm.grouped, outputs=("y",), cases=12,
        hints=(
            Text("把通道轴拆成两根：组，以及组内的通道。", "Split the channel axis in two: group, and channel in it."),
            Text("`z = x.reshape(len(x), groups, -1)`：最后一根轴就是一组，在那里求平均，`keepdims=True`。",
                 "`z = x.reshape(len(x), groups, -1)`: the last axis is a group; average there, `keepdims=True`."),
            Text("`reshape(x.shape)` 回去之后，gamma 和 beta 先变成 `[C, 1, ...]`，才与通道轴对齐。",
                 "Back by `reshape(x.shape)`; then gamma and beta become `[C, 1, ...]`, to line up with the channels."),
        ),
        mistakes=(
            Mistake(NO_EPSILON, norm.wrong_group_norm(lambda var, eps: np.sqrt(var))),
            Mistake(OUTSIDE, norm.wrong_group_norm(lambda var, eps: np.sqrt(var) + eps)),
            Mistake(Text("一组里的通道是相邻的，不是隔几个取一个", "the channels of a group lie next to each other"),
                    norm.interleaved),
            Mistake(Text("每个样本有自己的统计量", "every sample has statistics of its own"),
                    norm.wrong_group_norm(axis=(0, 2))),
            Mistake(Text("`groups` 是组数，不是一组里的通道数",
                         "`groups` is the number of groups, not that of the channels in each"),
                    norm.wrong_group_norm(split=lambda x, groups: x.reshape(len(x), x.shape[1] // groups, -1))),
            Mistake(Text("gamma 和 beta 还没有用上", "gamma and beta are not used yet"),
                    norm.wrong_group_norm(affine=False)),
        ),
        solution="""
            def group_norm(x, groups, gamma, beta, eps):
                z = x.reshape(len(x), groups, -1)
                mean, var = z.mean(axis=-1, keepdims=True), z.var(axis=-1, keepdims=True)
                x_hat = ((z - mean) / np.sqrt(var + eps)).reshape(x.shape)
                line = (-1,) + (1,) * (x.ndim - 2)  # lines [C] up with x
                return gamma.reshape(line) * x_hat + beta.reshape(line)
            """,
        why=Text("`reshape` 按内存的顺序走，相邻的通道因此落进同一组；同一组的数就连成了一段。",
                 "`reshape` follows the order in memory: neighbouring channels fall into one group, in one stretch."),
    ),
    "02.3": Function(
        title=Text("层归一化", "LayerNorm"),
        truth=norm.layer_norm, draw=norm.tokens, outputs=("y",), gradients=("x", "gamma", "beta"), cases=8,
        hints=(
            Text("只平均最后一根轴：`axis=-1, keepdim=True`。", "Only the last axis: `axis=-1, keepdim=True`."),
            Text("Paddle 的 `x.var()` 默认除以个数减 1；写上 `unbiased=False`。",
                 "Paddle's `x.var()` divides by the count less 1 unless you say `unbiased=False`."),
            Text("全程用 Paddle 的运算，梯度就自己来了；`numpy()` 和 `detach()` 会把它切断。",
                 "With Paddle's operations only, the gradient comes by itself; `numpy()` and `detach()` cut it off."),
        ),
        mistakes=(
            Mistake(Text("方差除的是个数，不是个数减 1：写上 `unbiased=False`",
                         "the variance divides by the count, not by the count less 1: say `unbiased=False`"),
                    norm.wrong_layer_norm(ddof=1)),
            Mistake(NO_EPSILON, norm.wrong_layer_norm(lambda var, eps: var.sqrt())),
            Mistake(OUTSIDE, norm.wrong_layer_norm(lambda var, eps: var.sqrt() + eps)),
            Mistake(Text("每个位置有自己的均值和方差，不是整个数组一对",
                         "every position has a mean and a variance of its own, not the array as a whole"),
                    norm.wrong_layer_norm(axis=None)),
            Mistake(Text("值对了，梯度不对：均值和方差也随 x 变，不能 `detach`",
                         "the values are right, the gradient is not: mean and variance depend on x, too; no `detach`"),
                    norm.wrong_layer_norm(fixed=True)),
        ),
        solution="""
            def layer_norm(x, gamma, beta, eps):
                mean = x.mean(axis=-1, keepdim=True)
                var = ((x - mean) ** 2).mean(axis=-1, keepdim=True)
                return gamma * (x - mean) / paddle.sqrt(var + eps) + beta
            """,
        why=Text("`keepdim=True` 让 [N, L, 1] 与 [N, L, C] 对齐；gamma 和 beta 的 [C] 本来就与最后一根轴对齐。",
                 "`keepdim=True` lines [N, L, 1] up with [N, L, C]; [C] of gamma and beta meets the last axis anyway."),
    ),
    "02.4": Function(
        title=Text("每个像素的层归一化", "LayerNorm for each pixel"),
        truth=norm.pixel_norm, draw=norm.feature_map, outputs=("y",), cases=8,
        given=lambda: {"normalise": norm.normalise},
        hints=(
            Text("`n, c, h, w = np.indices(x.shape)` 给出每个位置的下标；组号要由 n、h、w 决定，与 c 无关。",
                 "`n, c, h, w = np.indices(x.shape)` are the indices of all places; n, h, w make the number, not c."),
            Text("不同的 (n, h, w) 不能撞号：像读时钟那样，先 n，再 h，再 w，每一级乘上下一级的长度。",
                 "No two (n, h, w) may share a number: as on a clock, n, then h, then w, each times what is below it."),
        ),
        mistakes=(
            Mistake(Text("这是 [C, H, W] 上的层归一化", "that is LayerNorm over [C, H, W]"),
                    norm.by_sets(lambda n, c, h, w, s: n)),
            Mistake(Text("这是实例归一化", "that is InstanceNorm"), norm.by_sets(lambda n, c, h, w, s: n * s[1] + c)),
            Mistake(Text("不同的样本不能混在一起", "the samples must not be mixed"),
                    norm.by_sets(lambda n, c, h, w, s: h * s[3] + w)),
            Mistake(NO_EPSILON, norm.by_sets(lambda n, c, h, w, s: (n * s[2] + h) * s[3] + w, eps=0)),
            Mistake(Text("撞号了：不同的像素得到了同一个组号", "a clash: different pixels have the same number"),
                    norm.by_sets(lambda n, c, h, w, s: n + h + w)),
        ),
        solution="""
            def pixel_norm(x):
                n, c, h, w = np.indices(x.shape)
                sets = (n * x.shape[2] + h) * x.shape[3] + w
                return normalise(x, sets)
            """,
        why=Text("在 Paddle 里：先转置成 [N, H, W, C]，用 `LayerNorm(C)`，再转回来。",
                 "In Paddle: transpose to [N, H, W, C], apply `LayerNorm(C)`, and transpose back."),
    ),
    "02.5": Number(
        title=Text("要学的数", "learned numbers"),
        truth=lambda: [401408, 128],
        hints=(
            Text("组数只决定均值和方差怎么算，不决定参数的形状。",
                 "The number of groups decides how mean and variance are taken, not the shape of the parameters."),
            Text("看第 2 节里参数的形状：每个元素一个，或每个通道一个；gamma 和 beta 一样。",
                 "See the shapes in Section 2: one for each element, or one for each channel; gamma and beta alike."),
        ),
        mistakes=(
            Mistake(Text("beta 也要算上", "count beta, too"), [200704, 64]),
            Mistake(Text("组归一化的 gamma 是每个通道一个，不是每组一个；beta 也一样",
                         "GroupNorm has one gamma for each channel, not for each group, and beta alike"), [401408, 64]),
            Mistake(Text("组归一化的 gamma 和 beta 都是每个通道一个",
                         "GroupNorm has a gamma and a beta for each channel"), [401408, 32]),
            Mistake(Text("层归一化的参数是每个元素一个", "LayerNorm has its parameters for each element"), [128, 128]),
            Mistake(Text("组归一化的参数是每个通道一个，不是每个元素",
                         "GroupNorm has its parameters for each channel, not for each element"), [401408, 401408]),
            Mistake(Text("两个数写反了", "the two numbers are the wrong way round"), [128, 401408]),
        ),
        solution="answer = [2 * 64 * 56 * 56, 2 * 64]",
        why=Text("相差 56 · 56 = 3136 倍，一个通道的像素数。", "A factor of 56 · 56 = 3136, the pixels of a channel."),
    ),
    "02.6": Number(
        title=Text("两个挨得很近的数", "two numbers that lie close"),
        truth=lambda: 0.001 / np.sqrt(1e-6 + 1e-5), rtol=2e-3,
        hints=(
            Text("均值是 0.002；较大的数比它大 0.001。", "The mean is 0.002; the larger number is 0.001 above it."),
            Text("方差是 0.001 的平方；加 epsilon，开方。", "The variance is 0.001 squared; add epsilon, take a root."),
        ),
        mistakes=(
            Mistake(Text("方差比 epsilon 还小，不能忽略它", "the variance is below epsilon: that counts"), 1.0),
            Mistake(OUTSIDE, 0.001 / (0.001 + 1e-5)),
            Mistake(Text("除的应当是方差的平方根", "divide by the root of the variance"), 0.001 / (1e-6 + 1e-5)),
            Mistake(Text("方差除的是 2，不是 1", "the variance divides by 2, not by 1"), 0.001 / np.sqrt(2e-6 + 1e-5)),
            Mistake(Text("先减去均值", "subtract the mean first"), 0.003 / np.sqrt(1e-6 + 1e-5)),
        ),
        solution="answer = 0.001 / np.sqrt(0.001**2 + 1e-5)",
        why=Text("约 0.302：`eps` 大于方差时，输出不再是 ±1，又随差距变化了。",
                 "About 0.302: with `eps` above the variance the output is no longer ±1, but depends on the gap."),
    ),
    "02.7": Function(
        title=Text("自适应实例归一化", "AdaIN"),
        truth=norm.adain, draw=norm.two_pictures, outputs=("y",), cases=8,
        hints=(
            Text("图像是 [H, W, 3]，在轴 (0, 1) 上求均值和标准差，每个通道一个。",
                 "The images are [H, W, 3]; take mean and deviation over the axes (0, 1), one for each channel."),
            Text("先把 content 变成均值 0、标准差 1，再换上 style 的：乘标准差，加均值。",
                 "Bring content to mean 0 and deviation 1; then put on those of style: times deviation, plus mean."),
        ),
        mistakes=(
            Mistake(Text("乘的应当是标准差，不是方差", "multiply by the standard deviation, not by the variance"),
                    norm.wrong_adain(scale=np.var)),
            Mistake(Text("每个通道有自己的均值和标准差", "each channel has a mean and a deviation of its own"),
                    norm.wrong_adain(axis=None)),
            Mistake(Text("style 的均值还没有加上", "the mean of style is not added yet"),
                    norm.wrong_adain(shift=lambda style, axis: 0)),
            Mistake(Text("style 的标准差还没有乘上", "the standard deviation of style is not multiplied yet"),
                    norm.wrong_adain(scale=lambda style, axis: 1)),
            Mistake(Text("content 和 style 用反了", "content and style are the wrong way round"),
                    lambda content, style: norm.wrong_adain()(style, content)),
            Mistake(Text("这里的 eps 是 0", "eps is 0 here"), norm.wrong_adain(eps=1e-5)),
        ),
        solution="""
            def adain(content, style):
                z = (content - content.mean(axis=(0, 1))) / content.std(axis=(0, 1))
                return z * style.std(axis=(0, 1)) + style.mean(axis=(0, 1))
            """,
        why=Text("这就是实例归一化，只是 gamma 和 beta 不是学来的，而是取自另一张图：style 的标准差和均值。",
                 "It is InstanceNorm whose gamma and beta are not learned but taken from another image: from style."),
    ),
    "02.8": Function(
        title=Text("均方根归一化", "RMSNorm"),
        truth=norm.rms_norm, draw=norm.tokens_without_beta, outputs=("y",), gradients=("x", "gamma"), cases=8,
        hints=(
            Text("先求均方：`(x * x).mean(axis=-1, keepdim=True)`。",
                 "First the mean square: `(x * x).mean(axis=-1, keepdim=True)`."),
            Text("加上 eps，开方，x 除以它，再乘 gamma；`paddle.rsqrt` 是平方根的倒数。",
                 "Add eps, take the root, divide x by it, times gamma; `paddle.rsqrt` is one over the root."),
        ),
        mistakes=(
            Mistake(Text("这是没有 beta 的层归一化：这里不减均值",
                         "that is LayerNorm without beta: no mean is subtracted here"),
                    norm.wrong_rms_norm(centre=True)),
            Mistake(NO_EPSILON, norm.wrong_rms_norm(lambda square, eps: square.sqrt())),
            Mistake(OUTSIDE, norm.wrong_rms_norm(lambda square, eps: square.sqrt() + eps)),
            Mistake(Text("除的应当是均方的平方根", "divide by the root of the mean square"),
                    norm.wrong_rms_norm(lambda square, eps: square + eps)),
            Mistake(Text("值对了，梯度不对：均方也随 x 变，不能 `detach`",
                         "the values are right, the gradient is not: the mean square depends on x, too; no `detach`"),
                    norm.wrong_rms_norm(fixed=True)),
        ),
        solution="""
            def rms_norm(x, gamma, eps):
                square = (x * x).mean(axis=-1, keepdim=True)
                return x * paddle.rsqrt(square + eps) * gamma
            """,
        why=Text("比层归一化少一次求均值、少一个 beta；对缩放不敏感，对平移敏感（下面会测）。",
                 "One mean and one beta less than LayerNorm; blind to scaling, not to shifting (measured below)."),
    ),
    "02.9": Number(
        title=Text("手算 RMSNorm", "RMSNorm by hand"),
        given=lambda: {"v": np.array([1.0, 2, 3, 4])}, truth=lambda v: v / np.sqrt((v**2).mean()),
        hints=(
            Text("均方是四个平方之和除以 4。", "The mean square is the sum of the four squares over 4."),
            Text("(1 + 4 + 9 + 16) / 4 = 7.5；v 除以它的平方根。", "(1 + 4 + 9 + 16) / 4 = 7.5; divide v by its root."),
        ),
        mistakes=(
            Mistake(Text("这是层归一化：这里不减均值", "that is LayerNorm: no mean is subtracted here"),
                    (np.arange(1, 5) - 2.5) / np.sqrt(1.25)),
            Mistake(Text("还要开方", "take the square root"), np.arange(1, 5) / 7.5),
            Mistake(Text("平方和要除以个数", "divide the sum of squares by the count"), np.arange(1, 5) / np.sqrt(30)),
            Mistake(Text("除的是均方根，不是标准差", "divide by the root mean square, not by the standard deviation"),
                    np.arange(1, 5) / np.sqrt(1.25)),
        ),
        solution="answer = v / np.sqrt((v**2).mean())",
        why=Text("约为 0.365、0.730、1.095、1.461：比例 1 : 2 : 3 : 4 保持不变，层归一化则不会。",
                 "About 0.365, 0.730, 1.095, 1.461: still as 1 : 2 : 3 : 4, which LayerNorm would not keep."),
    ),
    "02.10": Number(
        title=Text("最大的奇异值", "largest singular value"),
        given=lambda: {"kernel": KERNEL}, truth=lambda kernel: largest(kernel.reshape(8, 27)),
        hints=(
            Text("每个输出通道一行：其余的轴合成一根。", "A row for each output channel: merge the other axes."),
            Text("`np.linalg.svd(..., compute_uv=False)` 给出全部奇异值，从大到小。",
                 "`np.linalg.svd(..., compute_uv=False)` gives all singular values, from large to small."),
        ),
        mistakes=(
            Mistake(Text("这是 Frobenius 范数，用到了所有的奇异值", "that is the Frobenius norm, made of all of them"),
                    np.sqrt((KERNEL**2).sum())),
            Mistake(Text("每个输出通道一行：变成 [8, 27]", "one row for each output channel: reshape to [8, 27]"),
                    largest(KERNEL.reshape(24, 9))),
            Mistake(Text("这是它的平方，W W^T 的特征值", "that is its square, an eigenvalue of W W^T"),
                    lambda truth: truth**2),
            Mistake(Text("这是最小的一个", "that is the smallest one"),
                    np.linalg.svd(KERNEL.reshape(8, 27), compute_uv=False)[-1]),
        ),
        solution="answer = np.linalg.svd(kernel.reshape(8, 27), compute_uv=False)[0]",
        why=Text("`np.linalg.norm(kernel.reshape(8, 27), 2)` 是同一个数：矩阵的 2 范数。",
                 "`np.linalg.norm(kernel.reshape(8, 27), 2)` is the same number: the matrix norm of order 2."),
    ),
    "02.11": Number(
        title=Text("标准差长到 10", "a standard deviation of 10"),
        truth=lambda: 198,
        hints=(
            Text("公式说的是标准差；先平方。", "The formula speaks of the deviation; square both sides first."),
            Text("1 + k/2 = 10 的平方，解出 k。", "1 + k/2 is the square of 10; solve for k."),
        ),
        mistakes=(
            Mistake(Text("先平方：10 是标准差，不是方差", "square first: 10 is a deviation, not a variance"), 18),
            Mistake(Text("输入自己的方差 1 也要算上", "the input's own variance of 1 counts, too"), 200),
            Mistake(Text("每块加的是 1/2，不是 1", "each block adds 1/2, not 1"), 99),
        ),
        solution="answer = 2 * (10**2 - 1)",
        why=Text("长得很慢：标准差从 5 到 10，块数要变成约四倍（48 到 198）；不归一化时 4 块就够了。",
                 "Slow growth: from 5 to 10 takes about four times the blocks (48 to 198); 4 do if not normalised."),
    ),
    "02.12": Function(
        title=Text("权重标准化", "weight standardisation"),
        truth=norm.standardise, draw=norm.filters, outputs=("the weight",), gradients=("weight",), cases=8,
        hints=(
            Text("每个滤波器是一组：在轴 `[1, 2, 3]` 上求，`keepdim=True`。",
                 "Each filter is one set: average over the axes `[1, 2, 3]`, `keepdim=True`."),
            Text("减去均值，再除以 `paddle.sqrt(var * count + eps)`，`count` 是一个滤波器里的个数 I·k·k。",
                 "Subtract the mean, divide by `paddle.sqrt(var * count + eps)`; `count` is I·k·k, those of a filter."),
        ),
        mistakes=(
            Mistake(Text("方差应当是 1 / (I·k·k)，不是 1：根号里的方差还要乘上个数",
                         "the variance is to be 1 / (I·k·k), not 1: under the root it is multiplied by the count"),
                    norm.wrong_standardise(scaled=False)),
            Mistake(NO_EPSILON, norm.wrong_standardise(lambda var, eps: var.sqrt())),
            Mistake(OUTSIDE, norm.wrong_standardise(lambda var, eps: var.sqrt() + eps)),
            Mistake(Text("先减去均值", "subtract the mean first"), norm.wrong_standardise(centre=False)),
            Mistake(Text("每个滤波器有自己的均值和方差，不是整个权重一对",
                         "every filter has a mean and a variance of its own, not the weight as a whole"),
                    norm.wrong_standardise(axis=(0, 1, 2, 3))),
            Mistake(Text("一个滤波器的所有输入通道放在一起，不是每个通道各一组",
                         "all input channels of a filter make one set, not each channel its own"),
                    norm.wrong_standardise(axis=(2, 3))),
        ),
        solution="""
            def standardise(weight, eps=1e-6):
                z = weight - weight.mean(axis=[1, 2, 3], keepdim=True)
                count = weight.shape[1] * weight.shape[2] * weight.shape[3]
                return z / paddle.sqrt((z * z).mean(axis=[1, 2, 3], keepdim=True) * count + eps)
            """,
        why=Text("方差 1 / (I·k·k) 让输出的方差与输入的相当：I·k·k 个乘积加在一起。",
                 "With a variance of 1 / (I·k·k) the output, a sum of I·k·k products, varies as much as the input."),
    ),
}

"""The exercises of notebook 01: BatchNorm forward, backward, in training, and folded into a convolution."""
from __future__ import annotations

from helpers.exercises import batch_norm_functions as bn
from helpers.exercises.exercise import Exercise, Function, Mistake, Number
from helpers.language import Text

import numpy as np

NO_EPSILON = Text("根号里少了 epsilon", "epsilon is missing under the root")
NO_ROOT = Text("除的应当是方差的平方根", "divide by the root of the variance")
ONLY_AXIS_0 = Text("只平均了第 0 轴；从第 2 轴起的也要", "only axis 0 is averaged over; all from axis 2 on are as well")

EXERCISES: dict[str, Exercise] = {
    "01.1": Number(
        title=Text("y 的均值和方差", "mean and variance of y"),
        given=bn.hand_samples, truth=lambda x_hat: [[5, 5], [9, 9]],
        hints=(
            Text("样本排在第 0 轴，都沿着它求。", "The samples run along axis 0: take both along it."),
            Text("先算 `y = 3 * x_hat + 5`，再用 `np.stack` 把两行叠起来：均值在上，方差在下。",
                 "Work out `y = 3 * x_hat + 5`, then put two rows together with `np.stack`: means, then variances."),
        ),
        mistakes=(
            Mistake(Text("两行写反了", "the rows are the wrong way round: means first"), [[9, 9], [5, 5]]),
            Mistake(Text("第二行是标准差；要的是它的平方，方差",
                         "the second row holds standard deviations; asked for are their squares, the variances"),
                    [[5, 5], [3, 3]]),
            Mistake(Text("方差除的是 m，不是 m - 1", "the variance divides by m, not m - 1"), [[5, 5], [13.5, 13.5]]),
            Mistake(Text("这是 `x_hat` 的；问的是 y", "these are those of `x_hat`; asked for are those of y"),
                    [[0, 0], [1, 1]]),
        ),
        solution="""
            y = 3 * x_hat + 5
            answer = np.stack([y.mean(axis=0), y.var(axis=0)])
            """,
        why=Text("`x_hat` 的均值是 0、方差是 1。乘 3，标准差就是 3，方差是 9；加 5 只移动均值。",
                 "`x_hat` has mean 0 and variance 1. Times 3 makes the standard deviation 3 and the variance 9; "
                 "adding 5 moves the mean only."),
    ),
    "01.2": Number(
        title=Text("几个均值，各用几个数", "how many means, of how many numbers"),
        truth=lambda: [32, 12544],
        hints=(
            Text("留下的是第 1 轴。", "Axis 1 is the one that is kept."),
            Text("其余三根轴的长度相乘。", "Multiply the lengths of the other three axes."),
        ),
        mistakes=(
            Mistake(Text("两个数写反了", "the two numbers are the wrong way round"), [12544, 32]),
            Mistake(Text("批量那根轴也要平均掉", "the axis of the batch is averaged over as well"), [512, 784]),
            Mistake(Text("空间的两根轴也要平均掉", "the two axes of space are averaged over as well"), [25088, 16]),
            Mistake(Text("留下的是第 1 轴，不是第 0 轴", "axis 1 is kept, not axis 0"), [16, 25088]),
        ),
        solution="answer = [32, 16 * 28 * 28]",
        why=Text("每个通道一个均值，共 32 个；每个由整批 16 张图的 28 × 28 个像素求出。",
                 "One mean for each of the 32 channels, over the 28 × 28 pixels of all 16 images."),
    ),
    "01.3": Function(
        title=Text("任意形状的批归一化", "BatchNorm for any shape"),
        truth=bn.forward, draw=bn.images, outputs=("y", "mean", "var"), cases=12,
        hints=(
            Text("要平均掉的：第 0 轴，以及从第 2 轴起的所有轴。", "Average over axis 0, and over all from axis 2 on."),
            Text("`axes = (0, *range(2, x.ndim))`，`mean` 和 `var` 都用它求，形状是 [C]。",
                 "`axes = (0, *range(2, x.ndim))` serves `mean` and `var`, both of shape [C]."),
            Text("让 [C] 与 x 对齐：`shape = (1, -1) + (1,) * (x.ndim - 2)`，四个 [C] 都 `reshape(shape)`。",
                 "Line [C] up with x: `shape = (1, -1) + (1,) * (x.ndim - 2)`, and `reshape(shape)` for all four [C]."),
        ),
        mistakes=(
            Mistake(NO_EPSILON, bn.wrong_forward(lambda var, eps: np.sqrt(var))),
            Mistake(Text("epsilon 要加在根号里面", "epsilon belongs under the root"),
                    bn.wrong_forward(lambda var, eps: np.sqrt(var) + eps)),
            Mistake(NO_ROOT, bn.wrong_forward(lambda var, eps: var + eps)),
            Mistake(Text("方差除的是个数，不是个数减 1", "the variance divides by the count, not by the count less 1"),
                    bn.wrong_forward(bn.root, ddof=1)),
            Mistake(ONLY_AXIS_0, bn.wrong_forward(bn.root, axes=(0,))),
            Mistake(Text("这是每个样本自己的统计量；第 0 轴也要平均掉",
                         "these are statistics of each sample alone; axis 0 is averaged over as well"),
                    bn.wrong_forward(bn.root, axes=(1,))),
        ),
        solution="""
            def batch_norm(x, gamma, beta, eps):
                axes = (0, *range(2, x.ndim))
                mean, var = x.mean(axis=axes), x.var(axis=axes)
                shape = (1, -1) + (1,) * (x.ndim - 2)  # lines [C] up with x
                x_hat = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
                return gamma.reshape(shape) * x_hat + beta.reshape(shape), mean, var
            """,
        why=Text("NumPy 从最后一根轴开始对齐，所以 [C] 要先变成 `[1, C, 1, ...]`；否则会与别的轴对齐。",
                 "NumPy lines up the last axes, so [C] becomes `[1, C, 1, ...]` first, else it meets a wrong one."),
    ),
    "01.4": Number(
        title=Text("输出只剩六成的方差", "the variance that leaves six tenths"),
        truth=lambda: 5.625e-6, rtol=5e-3,
        hints=(
            Text("输出的标准差是 `sqrt(v / (v + eps))`。", "The output's standard deviation is `sqrt(v / (v + eps))`."),
            Text("两边平方，`v / (v + eps) = r`，解出 v。", "Square both sides, `v / (v + eps) = r`, and solve for v."),
        ),
        mistakes=(
            Mistake(Text("忘了平方：0.6 是标准差", "square first: 0.6 is a standard deviation"), 1.5e-5),
            Mistake(Text("这是 `v / eps`，再乘以 epsilon", "this is `v / eps`; multiply it by epsilon"), 0.5625),
            Mistake(Text("方差等于 epsilon 时还剩七成", "where the variance is epsilon, seven tenths are left"), 1e-5),
        ),
        solution="answer = 1e-5 * 0.6**2 / (1 - 0.6**2)",
        why=Text("由 v / (v + eps) = 0.36 得 v = 0.36 / 0.64 × eps：约为 epsilon 的一半。",
                 "From v / (v + eps) = 0.36 follows v = 0.36 / 0.64 × eps: about half of epsilon."),
    ),
    "01.5": Function(
        title=Text("更新移动平均", "one step of the moving averages"),
        truth=bn.update, draw=bn.batch, outputs=("moving mean", "moving variance"), cases=12,
        hints=(
            Text("这一批的均值和方差，就是练习 3 里的。", "Mean and variance of the batch are those of Exercise 3."),
            Text("新的 = momentum × 旧的 + (1 - momentum) × 这一批的，均值和方差一样。",
                 "New = momentum × old + (1 - momentum) × the batch's, for the mean and for the variance alike."),
        ),
        mistakes=(
            Mistake(Text("权重反了：momentum 是旧值的权重", "swapped: momentum is the weight of the old value"),
                    bn.wrong_update(bn.rest, bn.itself)),
            Mistake(Text("进入移动平均的方差要除以个数，而不是个数减 1",
                         "the variance that goes in divides by the count, not by the count less 1"),
                    bn.wrong_update(bn.itself, bn.rest, ddof=1)),
            Mistake(Text("这一批的那一份没有乘 1 - momentum", "the batch's share is not multiplied by 1 - momentum"),
                    bn.wrong_update(bn.itself, lambda momentum: 1)),
            Mistake(ONLY_AXIS_0, bn.wrong_update(bn.itself, bn.rest, axes=(0,))),
        ),
        solution="""
            def update(moving_mean, moving_var, x, momentum):
                axes = (0, *range(2, x.ndim))
                mean = momentum * moving_mean + (1 - momentum) * x.mean(axis=axes)
                return mean, momentum * moving_var + (1 - momentum) * x.var(axis=axes)
            """,
        why=Text("每一批占 1 - momentum 的份额，旧的都按 momentum 衰减。",
                 "Each batch gets a share of 1 - momentum, and all older ones fade by momentum."),
    ),
    "01.6": Number(
        title=Text("多少批", "batches"), truth=lambda: 44,
        hints=(
            Text("两边取对数；log 0.9 是负数，< 变成 >。", "Take logarithms; as log 0.9 is negative, < becomes >."),
            Text("t > log 0.01 / log 0.9，取最小的整数。", "t > log 0.01 / log 0.9; take the smallest whole number."),
        ),
        mistakes=(
            Mistake(Text("这是降到 0.1 以下的批数", "that is where 0.1 is passed"), 22),
            Mistake(Text("少了一批：0.9 ** 43 还大于 0.01", "one too few: 0.9 ** 43 is still above 0.01"), 43),
            Mistake(Text("批数是整数：向上取整", "batches are whole: round up"), float(np.log(0.01) / np.log(0.9))), ),
        solution="answer = np.ceil(np.log(0.01) / np.log(0.9))",
        why=Text("训练只有几十步时，用 `eval()` 测出来的结果可能很差，原因往往在这里。",
                 "After a few dozen steps of training, `eval()` can give very poor results: often for this reason."),
    ),
    "01.7": Number(
        title=Text("BatchNorm2D(64) 里的数", "numbers in BatchNorm2D(64)"),
        truth=lambda: [128, 128],
        hints=(
            Text("四样东西，各 64 个数。", "Four things with 64 numbers each."),
            Text("其中两样由移动平均得来，不由梯度更新；看 `layer.state_dict()`。",
                 "Two of them come from moving averages and are not updated by gradients; see `layer.state_dict()`."),
        ),
        mistakes=(
            Mistake(Text("每个通道 gamma、beta 各一个", "gamma and beta: one each for every channel"), [64, 128]),
            Mistake(Text("移动均值和移动方差也存着", "the moving mean and variance are stored too"), [128, 0]),
            Mistake(Text("移动均值和移动方差不由梯度更新", "the moving mean and variance are not updated by gradients"),
                    [256, 0]),
        ),
        solution="""
            sizes = [(p.size, p.stop_gradient) for p in paddle.nn.BatchNorm2D(64).state_dict().values()]
            answer = [sum(size for size, fixed in sizes if fixed == stored) for stored in (False, True)]
            """,
        why=Text("gamma、beta 可训练，移动均值、移动方差只存不训。",
                 "gamma and beta are trained; the moving mean and the moving variance are stored only."),
    ),
    "01.8": Function(
        title=Text("反向", "backward"),
        truth=bn.backward, draw=bn.upstream, outputs=("dx", "dgamma", "dbeta"),
        hints=(
            Text("beta 加在每个样本上，gamma 乘在每个样本上：`dbeta`、`dgamma` 都是对样本求和。",
                 "beta is added to every sample, gamma multiplies every one: `dbeta`, `dgamma` are sums over them."),
            Text("`dgamma = (dy * x_hat).sum(axis=0)`；再令 `dx_hat = dy * gamma`。",
                 "`dgamma = (dy * x_hat).sum(axis=0)`; then let `dx_hat = dy * gamma`."),
            Text("照上面的式子先算 `dvar`，再算 `dmean`，最后三条路相加，得到 `dx`。",
                 "Following the formulas above, work out `dvar`, then `dmean`; add up the three paths for `dx`."),
        ),
        mistakes=(
            Mistake(Text("dx 只有直接的一条路", "dx is the direct path only: mean and variance depend on x, too"),
                    bn.wrong_backward(lambda *all_: bn.dx(*all_, mean=0, var=0))),
            Mistake(Text("dx 少了通过方差的一条路", "dx lacks the path through the variance"),
                    bn.wrong_backward(lambda *all_: bn.dx(*all_, var=0))),
            Mistake(Text("dx 少了通过均值的一条路", "dx lacks the path through the mean"),
                    bn.wrong_backward(lambda *all_: bn.dx(*all_, mean=0))),
            Mistake(Text("dx 里少了 gamma", "gamma is missing in dx"),
                    bn.wrong_backward(lambda dy, x_hat, gamma, inverse: bn.dx(dy, x_hat, 1, inverse))),
            Mistake(Text("dgamma 里乘的应当是 x_hat，不是 x", "in dgamma, dy is multiplied by x_hat, not by x"),
                    bn.wrong_backward(bn.dx, lambda dy, x, x_hat: (dy * x).sum(axis=0))),
        ),
        solution="""
            def backward(dy, x, gamma, eps):
                n, centred = len(x), x - x.mean(axis=0)
                inverse = 1 / np.sqrt(x.var(axis=0) + eps)
                dgamma, dbeta = (dy * centred * inverse).sum(axis=0), dy.sum(axis=0)
                dx_hat = dy * gamma
                dvar = (dx_hat * centred).sum(axis=0) * -0.5 * inverse**3
                dmean = -dx_hat.sum(axis=0) * inverse + dvar * -2 * centred.mean(axis=0)
                dx = dx_hat * inverse + dvar * 2 * centred / n + dmean / n  # the three paths added up
                return dx, dgamma, dbeta
            """,
        why=Text("三条路各是一次链式法则；`dmean` 的第二项恒为 0，因为 `centred` 的均值是 0。",
                 "Each path is one use of the chain rule; the second term of `dmean` is 0: `centred` has mean 0."),
    ),
    "01.9": Number(
        title=Text("整体平移与整体缩放", "shifting and scaling the whole batch"),
        given=bn.two_directions, truth=bn.along, rtol=5e-3,
        hints=(
            Text("dx 是你的 `backward` 返回的第一项。", "dx is the first thing that your `backward` returns."),
            Text("第一行 `dx.sum(axis=0)`，第二行 `(x_few * dx).sum(axis=0)`。",
                 "First row `dx.sum(axis=0)`, second row `(x_few * dx).sum(axis=0)`."),
        ),
        mistakes=(
            Mistake(Text("第二行只在 epsilon 为 0 时才是 0", "the second row is 0 only where epsilon is 0"),
                    lambda truth: 0 * truth),
            Mistake(Text("第一行是 dbeta；要的是 dx 之和", "the first row is dbeta; asked for is the sum of dx"),
                    lambda truth: np.stack([bn.two_directions()["dy_few"].sum(axis=0), truth[1]])),
            Mistake(Text("两行写反了", "the two rows are the wrong way round"), lambda truth: truth[::-1]), ),
        solution="""
            # dx = backward(dy_few, x_few, gamma_few, 1.0)[0] does it; this asks Paddle
            t = paddle.to_tensor(x_few, stop_gradient=False)
            centred = t - t.mean(axis=0)
            x_hat = centred / paddle.sqrt((centred * centred).mean(axis=0) + 1.0)
            dx = paddle.grad((x_hat * paddle.to_tensor(gamma_few * dy_few)).sum(), t)[0].numpy()
            answer = np.stack([dx.sum(axis=0), (x_few * dx).sum(axis=0)])
            """,
        why=Text("平移整批，输出不变，所以 dx 之和恒为 0。缩放整批，只有 epsilon 为 0 时输出才不变；"
                 "否则第二行是 gamma × dgamma × epsilon / (方差 + epsilon)。",
                 "Shifting the batch changes nothing, so dx always adds up to 0. Scaling it changes nothing only where "
                 "epsilon is 0; else the second row is gamma × dgamma × epsilon / (variance + epsilon)."),
    ),
    "01.10": Function(
        title=Text("一行的反向", "backward in one line"),
        truth=lambda *arguments: bn.backward(*arguments)[0], draw=bn.upstream, outputs=("dx",),
        hints=(
            Text("先算 x_hat、dgamma、dbeta，再照公式写。", "First x_hat, dgamma and dbeta, then the formula."),
            Text("N 是 `len(x)`，分母里的根号是 `np.sqrt(x.var(axis=0) + eps)`。",
                 "N is `len(x)`, the root in the denominator `np.sqrt(x.var(axis=0) + eps)`."),
        ),
        mistakes=(
            Mistake(Text("括号里的 dy 没有乘 N", "dy is not multiplied by N within the brackets"), bn.wrong_line(
                lambda dy, x_hat, gamma, inverse: bn.dx(dy / len(dy), x_hat, gamma, inverse, len(dy), len(dy)))),
            Mistake(Text("分母里少了 N", "N is missing in the denominator"), bn.wrong_line(
                lambda dy, x_hat, gamma, inverse: bn.dx(dy * len(dy), x_hat, gamma, inverse))),
            Mistake(Text("少了 gamma", "gamma is missing"), bn.wrong_line(
                lambda dy, x_hat, gamma, inverse: bn.dx(dy, x_hat, 1, inverse))),
            Mistake(Text("括号里的两项应当减去", "the two terms within the brackets are subtracted"), bn.wrong_line(
                lambda *all_: bn.dx(*all_, mean=-1, var=-1))),
        ),
        solution="""
            def backward_simple(dy, x, gamma, eps):
                n, inverse = len(x), 1 / np.sqrt(x.var(axis=0) + eps)
                x_hat = (x - x.mean(axis=0)) * inverse
                dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
                return gamma * inverse / n * (n * dy - dbeta - x_hat * dgamma)
            """,
        why=Text("减去 dbeta，去掉的是整体平移；减去 x_hat × dgamma，去掉的是整体缩放。",
                 "Subtracting dbeta takes the shift of the whole batch away, subtracting x_hat × dgamma its scaling."),
    ),
    "01.11": Function(
        title=Text("折叠进卷积", "fold into a convolution"),
        truth=bn.fold, draw=bn.pair, outputs=("weight", "bias"),
        hints=(
            Text("先算每个输出通道的因子 `scale = gamma / np.sqrt(var + eps)`。",
                 "First the factor of each output channel: `scale = gamma / np.sqrt(var + eps)`."),
            Text("权重的第 0 轴是输出通道：`scale.reshape(-1, 1, 1, 1)`。",
                 "Axis 0 of the weights is the output channel: `scale.reshape(-1, 1, 1, 1)`."),
        ),
        mistakes=(
            Mistake(NO_EPSILON, bn.wrong_fold(lambda var, eps: np.sqrt(var))),
            Mistake(NO_ROOT, bn.wrong_fold(lambda var, eps: var + eps)),
            Mistake(Text("卷积自己的偏置没有算进去", "the convolution's own bias is missing"),
                    bn.wrong_fold(inner=lambda bias, mean: -mean)),
            Mistake(Text("符号：是 bias - mean", "the sign: it is bias - mean"),
                    bn.wrong_fold(inner=lambda bias, mean: bias + mean)),
            Mistake(Text("少了 beta", "beta is missing"), bn.wrong_fold(shift=0)), ),
        solution="""
            def fold(weight, bias, gamma, beta, mean, var, eps):
                scale = gamma / np.sqrt(var + eps)
                return weight * scale.reshape(-1, 1, 1, 1), beta + scale * (bias - mean)
            """,
        why=Text("卷积对权重是线性的：某个输出通道的权重乘上一个因子，它的输出也就乘上这个因子。",
                 "A convolution is linear in its weights: a factor on a channel's weights is one on its output."),
    ),
    "01.12": Number(
        title=Text("波动变成几倍", "times the fluctuation"), truth=lambda: 4,
        hints=(
            Text("标准差与 N 的平方根成反比。", "The standard deviation is inversely proportional to the root of N."),
            Text("两个批量之比，再开方。", "The ratio of the two batch sizes, and the root of that."),
        ),
        mistakes=(
            Mistake(Text("开方：要的不是方差", "take the root: the standard deviation, not the variance"), 16),
            Mistake(Text("反了：数越少，波动越大", "the other way round: fewer numbers, more noise"), 0.25),
        ),
        solution="answer = np.sqrt(64 / 4)",
        why=Text("N 小到十六分之一，方差大到十六倍，标准差就是它的平方根。",
                 "A sixteenth of the numbers makes sixteen times the variance; the standard deviation is its root."),
    ),
}  # fmt: skip

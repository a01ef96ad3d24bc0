"""The exercises of notebook 03: Dropout with a given mask, its variants, and what they do to mean and variance."""
from __future__ import annotations

from helpers.exercises import dropout_functions as drop
from helpers.exercises.exercise import Exercise, Function, Mistake, Number
from helpers.language import Text

from scipy import stats

WRONG_PLACE = Text("1 - p 放错了地方，或者没有用上：对照第 1 节的表",
                   "1 - p is in the wrong place, or not used: see the table in Section 1")
OTHER_NUMBERS = Text("掩码用反了：1 是留下，0 是丢掉", "the mask is inverted: 1 is kept, 0 is dropped")
DIVIDED_BY_P = Text("倍数里的是 1 - p，不是 p", "the factor has 1 - p in it, not p, the probability to drop")
SCALE_HINT = Text("四种情形的倍数：`mask / (1 - p)`、`mask`、1、`1 - p`；它们各属于谁，看第 1 节的表。",
                  "Four cases, four factors: `mask / (1 - p)`, `mask`, 1, `1 - p`; Section 1 says which is whose.")

EXERCISES: dict[str, Exercise] = {
    "03.1": Number(
        title=Text("丢弃概率", "drop probability"),
        truth=lambda: 0.1,
        hints=(
            Text("看上面的表：两边的 p，意思一样吗？", "See the table above: does p mean the same in both?"),
            Text("CS231n 的 p 是留下的概率，Paddle 的是丢掉的概率。",
                 "CS231n's p is the probability to keep, Paddle's the probability to drop."),
        ),
        mistakes=(
            Mistake(Text("那是留下的概率", "that is the probability to keep"), 0.9),
            Mistake(Text("那是缩放的倍数", "that is the factor to scale by"), 1 / 0.9),
            Mistake(Text("写成比例，不要写成百分数", "write it as a share, not in percent"), 10),
        ),
        solution="answer = 1 - 0.9",
        why=Text("留下 0.9，就丢掉 0.1：`nn.Dropout(0.1)`。", "Keep 0.9, and 0.1 is dropped: `nn.Dropout(0.1)`."),
    ),
    "03.2": Number(
        title=Text("L1 范数的期望", "expected L1 norm"),
        truth=lambda: 14,
        hints=(
            Text("这种模式在训练时不缩放。", "This mode does not scale in training."),
            Text("每个数以概率 1 - p 留下，所以范数平均剩下这么一份。",
                 "Each number stays with probability 1 - p, so on average that share of the norm is left."),
        ),
        mistakes=(
            Mistake(Text("那是 `upscale_in_train`", "that is `upscale_in_train`"), 20),
            Mistake(Text("那是丢掉的，不是留下的", "that is what is dropped, not what is left"), 6),
            Mistake(Text("这种模式不做除法", "nothing is divided in this mode"), 20 / 0.7),
            Mistake(Text("只乘一次 1 - p", "times 1 - p once only"), 9.8),
        ),
        solution="answer = (1 - 0.3) * 20",
        why=Text("预测时也是 14：没有掩码，乘 1 - p。", "In prediction it is 14 as well: no mask, but times 1 - p."),
    ),
    "03.3": Number(
        title=Text("正好三个零", "exactly three zeros"),
        truth=lambda: stats.binom.pmf(3, 12, 0.25),
        hints=(
            Text("一张有三个零的掩码，概率是多少？这样的掩码有几张？",
                 "How likely is one mask with three zeros? How many such masks are there?"),
            Text("三个丢掉，九个留下：p 的 3 次方乘 1 - p 的 9 次方；`math.comb(12, 3)` 张。",
                 "Three dropped, nine kept: p to the 3rd power times 1 - p to the 9th; `math.comb(12, 3)` masks."),
        ),
        mistakes=(
            Mistake(Text("那是正好留下三个", "that is three kept, not three dropped"), stats.binom.pmf(3, 12, 0.75)),
            Mistake(Text("那是至多三个", "that is at most three"), stats.binom.cdf(3, 12, 0.25)),
            Mistake(Text("那是一张掩码的概率；还要乘掩码的张数", "that is one mask alone; times the number of masks"),
                    lambda share: share / 220),
            Mistake(Text("少了留下的九个", "the nine that are kept are missing"), 220 * 0.25**3),
            Mistake(Text("写成比例，不要写成百分数", "write it as a share, not in percent"), lambda share: 100 * share),
        ),
        solution="import math\nanswer = math.comb(12, 3) * 0.25**3 * 0.75**9",
        why=Text("约 0.2581。三正好是平均的个数，它最常见，也只占四分之一左右。",
                 "About 0.2581. Three is the average number and the most frequent, in about a quarter of the draws."),
    ),
    "03.4": Function(
        title=Text("丢弃法的前向", "Dropout, forward"),
        truth=drop.forward, draw=drop.masked, outputs=("y",), cases=16,
        hints=(
            Text("先分 training，再分 mode：一共四种情形，每种是 x 乘一个倍数。",
                 "First by training, then by mode: four cases, and in each x is multiplied by a factor."),
            SCALE_HINT,
        ),
        mistakes=(
            Mistake(WRONG_PLACE, drop.wrong(drop.other_mode)),
            Mistake(OTHER_NUMBERS, drop.wrong(drop.other_numbers)),
            Mistake(DIVIDED_BY_P, drop.wrong(drop.divided_by_p)),
            Mistake(Text("预测时不用掩码：看 `training`", "prediction uses no mask: look at `training`"),
                    drop.wrong(drop.always_training)),
        ),
        solution="""
            def dropout_forward(x, p, mask, mode, training):
                if training:
                    return x * mask / (1 - p) if mode == "upscale_in_train" else x * mask
                return x if mode == "upscale_in_train" else x * (1 - p)
            """,
        why=Text("`upscale_in_train` 在训练时就除好了，预测时什么也不做，所以它是默认的。",
                 "`upscale_in_train` divides in training already and does nothing in prediction: it is the default."),
    ),
    "03.5": Function(
        title=Text("丢弃法的反向", "Dropout, backward"),
        truth=drop.backward, draw=drop.masked_gradient, outputs=("dx",), cases=16,
        hints=(
            Text("y 是 x 乘一个倍数；dx 就是 dy 乘它。", "y is x times a factor; dx is dy times the same."),
            SCALE_HINT,
        ),
        mistakes=(
            Mistake(Text("梯度也要走掩码", "the gradient goes through the mask, too"), drop.wrong(drop.without_mask)),
            Mistake(WRONG_PLACE, drop.wrong(drop.other_mode)),
            Mistake(OTHER_NUMBERS, drop.wrong(drop.other_numbers)),
            Mistake(DIVIDED_BY_P, drop.wrong(drop.divided_by_p)),
            Mistake(Text("预测时不用掩码：看 `training`", "prediction uses no mask: look at `training`"),
                    drop.wrong(drop.always_training)),
        ),
        solution="""
            def dropout_backward(dy, p, mask, mode, training):
                if training:
                    return dy * mask / (1 - p) if mode == "upscale_in_train" else dy * mask
                return dy if mode == "upscale_in_train" else dy * (1 - p)
            """,
        why=Text("与前向一模一样：y 对 x 是线性的，所以 `return dropout_forward(dy, p, mask, mode, training)` 也对。",
                 "As forward: y is linear in x, so `return dropout_forward(dy, p, mask, mode, training)` is right."),
    ),
    "03.6": Function(
        title=Text("丢连接", "DropConnect"),
        truth=drop.drop_connect, draw=drop.connections, outputs=("y",), cases=8,
        hints=(
            Text("每个样本有自己的权重 `mask * weight`，形状 [N, K, M]；偏置 `bias_mask * bias` 也是，形状 [N, M]。",
                 "Each sample has its own weights, `mask * weight` [N, K, M], and a bias `bias_mask * bias` [N, M]."),
            Text("对 k 求和：`np.einsum(\"nk,nkm->nm\", ...)`，或者 `(x[:, :, None] * ...).sum(axis=1)`。",
                 "Sum over k: `np.einsum(\"nk,nkm->nm\", ...)`, or `(x[:, :, None] * ...).sum(axis=1)`."),
        ),
        mistakes=(
            Mistake(Text("偏置也有掩码", "the bias has a mask, too"),
                    drop.wrong_drop_connect(lambda m: m, lambda b: 1)),
            Mistake(Text("权重还没有盖掩码", "the weights are not masked yet"),
                    drop.wrong_drop_connect(lambda m: 0 * m + 1, lambda b: b)),
            Mistake(Text("每个样本有自己的掩码，不是都用第一张", "each sample has its own mask, not the first for all"),
                    drop.wrong_drop_connect(lambda m: 0 * m + m[:1], lambda b: b)),
            Mistake(OTHER_NUMBERS, drop.wrong_drop_connect(lambda m: 1 - m, lambda b: 1 - b)),
            Mistake(Text("少了偏置", "the bias is missing"), drop.wrong_drop_connect(lambda m: m, lambda b: 0)),
        ),
        solution="""
            def drop_connect(x, weight, bias, mask, bias_mask):
                return np.einsum("nk,nkm->nm", x, mask * weight) + bias_mask * bias
            """,
        why=Text("丢弃法是特例：若掩码的每一行 k 全 0 或全 1，丢的就是整个输入。",
                 "Dropout is a special case: with rows k of the mask all 0 or all 1, whole inputs are dropped."),
    ),
    "03.7": Number(
        title=Text("噪声的标准差", "standard deviation of the noise"),
        truth=lambda: 0.5,
        hints=(
            Text("方差的公式在 6.3 节；p 是丢弃概率。", "Section 6.3 has the variance; p is the probability to drop."),
            Text("方差是 0.2 / 0.8；标准差是它的平方根。", "The variance is 0.2 / 0.8; the deviation is its root."),
        ),
        mistakes=(
            Mistake(Text("那是方差：还要开方", "that is the variance: the square root is missing"), 0.25),
            Mistake(Text("0.2 在这里是丢掉的概率，不是留下的", "0.2 is the probability to drop here, not to keep"), 2),
            Mistake(Text("p 用反了，还没有开方", "p is the other way round, and the square root is missing"), 4),
            Mistake(Text("那是 `downscale_in_infer` 的噪声", "that is the noise of `downscale_in_infer`"), 0.4),
        ),
        solution="answer = (0.2 / 0.8) ** 0.5",
        why=Text("x 的每个数乘上均值 1、标准差 0.5 的噪声，与 `Dropout(0.2)` 的均值和方差相同。",
                 "Each x times noise of mean 1 and deviation 0.5: the mean and the variance of `Dropout(0.2)`."),
    ),
    "03.8": Function(
        title=Text("沿通道的 max-drop", "max-drop over the channels"),
        truth=drop.channel_max_drop, draw=drop.positions, outputs=("y",), cases=8,
        hints=(
            Text("通道是第 1 轴；用 `keepdims=True`，才能与 x 比较。",
                 "The channel is axis 1; with `keepdims=True` the result can be compared with x."),
            Text("`top = x == x.max(axis=1, keepdims=True)`；丢掉的是 `top & coin`，用 `np.where` 置零。",
                 "`top = x == x.max(axis=1, keepdims=True)`; what goes is `top & coin`, set to zero by `np.where`."),
        ),
        mistakes=(
            Mistake(Text("那是每张特征图的最大值（第 2、3 轴）", "that is the maximum of each map (axes 2 and 3)"),
                    drop.wrong_max_drop(axis=(2, 3))),
            Mistake(Text("那是样本之间的最大值（第 0 轴）", "that is the maximum over the samples (axis 0)"),
                    drop.wrong_max_drop(axis=0)),
            Mistake(Text("只有硬币是 True 的位置才丢", "only where the coin is True something goes"),
                    drop.wrong_max_drop(lost=lambda top, coin: top)),
            Mistake(Text("硬币用反了", "the coin is the wrong way round"),
                    drop.wrong_max_drop(lost=lambda top, coin: top & ~coin)),
            Mistake(Text("丢的是最大的那个，其余的都留下", "the largest is what goes; all others stay"),
                    drop.wrong_max_drop(lost=lambda top, coin: ~top & coin)),
            Mistake(Text("一个位置只丢一个通道，不是全部", "one channel goes at a position, not all of them"),
                    drop.wrong_max_drop(lost=lambda top, coin: coin | (top & False))),
        ),
        solution="""
            def channel_max_drop(x, coin):
                top = x == x.max(axis=1, keepdims=True)
                return np.where(top & coin, 0, x)
            """,
        why=Text("`coin` 的形状 [N, 1, H, W] 会广播到所有通道；`top` 在每个位置只有一个 True。",
                 "`coin`, [N, 1, H, W], is broadcast to all channels; `top` has one True at each position."),
    ),
    "03.9": Number(
        title=Text("方差的倍数", "variance ratio"),
        truth=lambda: 3,
        hints=(
            Text("预测时是 v；训练时的公式就在上面。", "In prediction it is v; the formula for training is above."),
            Text("y 的平方的期望是 (v + c²) / (1 - p)；再减去均值的平方 c²。",
                 "The expected square of y is (v + c²) / (1 - p); then subtract c², the square of the mean."),
        ),
        mistakes=(
            Mistake(Text("均值也算：少了 p c²", "the mean counts too: p c² is missing"), 2),
            Mistake(Text("那是平方的期望，还没有减去均值的平方",
                         "that is the expected square; the squared mean is not subtracted"), 4),
            Mistake(Text("那是标准差的倍数", "that is the ratio of the standard deviations"), 3**0.5),
            Mistake(Text("反了：训练时的除以预测时的", "the other way round: training over prediction"), 1 / 3),
            Mistake(Text("还要除以 1 - p", "it is divided by 1 - p as well"), 1.5),
        ),
        solution="answer = (1 + 0.5 * 1**2) / (1 - 0.5)",
        why=Text("均值越大，偏移越大：ReLU 的输出均值大于 0，所以更受影响。",
                 "The larger the mean, the larger the shift: what a ReLU gives has a mean above 0, and suffers."),
    ),
    "03.10": Function(
        title=Text("平均之后的熵", "entropy of the mean"),
        truth=drop.predictive_entropy, draw=drop.passes, outputs=("H",), cases=8,
        hints=(
            Text("先对第 0 轴（T 次）取平均，再对最后一根轴求和，别忘了负号。",
                 "First the mean over axis 0 (T passes), then the sum over the last axis, with a minus sign."),
            Text("概率为 0 时 `np.log` 给出负无穷，再乘 0 成了 nan：用 `np.log(np.maximum(mean, 1e-12))`。",
                 "At 0 `np.log` gives minus infinity, and times 0 that is nan: use `np.log(np.maximum(mean, 1e-12))`."),
        ),
        mistakes=(
            Mistake(Text("先对各次取平均，再求熵", "first the mean over the passes, then the entropy"),
                    lambda q: drop.entropy(q).mean(axis=0)),
            Mistake(Text("对数要用自然对数，不是以 2 为底", "the logarithm is the natural one, not to base 2"),
                    lambda q: drop.entropy(q.mean(axis=0)) / 0.6931471805599453),
            Mistake(Text("少了负号", "the minus sign is missing"), lambda q: -drop.entropy(q.mean(axis=0))),
            Mistake(Text("对类别求和，不是取平均", "sum over the classes, do not average"),
                    lambda q: drop.entropy(q.mean(axis=0)) / q.shape[-1]),
        ),
        solution="""
            def predictive_entropy(q):
                mean = q.mean(axis=0)
                return -(mean * np.log(np.maximum(mean, 1e-12))).sum(axis=-1)
            """,
        why=Text("先平均再求熵，各次之间的分歧才算得进去；先求熵再平均，看到的只是每一次自己的犹豫。",
                 "Averaged first, the passes' disagreement counts; entropies first show each pass's own doubt only."),
    ),
    "03.11": Function(
        title=Text("丢路径", "DropPath"),
        truth=drop.drop_path, draw=drop.branches, outputs=("y",), gradients=("x", "branch"), cases=12,
        hints=(
            Text("先看 `training`：预测时就是 x 加上支路；训练时支路要乘硬币。",
                 "Look at `training` first: in prediction it is x plus the branch; in training the coins come in."),
            Text("`coins.reshape([-1] + [1] * (branch.ndim - 1))` 让每个样本用自己的那一枚；再除以 1 - p。",
                 "`coins.reshape([-1] + [1] * (branch.ndim - 1))` gives each sample its coin; then divide by 1 - p."),
        ),
        mistakes=(
            Mistake(Text("训练时留下的支路要除以 1 - p", "in training a branch that is kept is divided by 1 - p"),
                    drop.wrong_drop_path(lambda x, b, p, m: x + b * m)),
            Mistake(Text("x 总要通过，丢的只是支路", "x always passes; the branch alone is dropped"),
                    drop.wrong_drop_path(lambda x, b, p, m: (x + b) * m / (1 - p))),
            Mistake(OTHER_NUMBERS, drop.wrong_drop_path(lambda x, b, p, m: x + b * (1 - m) / (1 - p))),
            Mistake(DIVIDED_BY_P, drop.wrong_drop_path(lambda x, b, p, m: x + b * m / p)),
            Mistake(Text("一枚硬币管一个样本（第 0 轴），不是最后一根轴上的一个位置",
                         "a coin belongs to a sample (axis 0), not to a place on the last axis"),
                    drop.along_the_last_axis),
            Mistake(Text("每个样本用自己的硬币，不是都用第一枚", "each sample has its own coin, not the first for all"),
                    drop.wrong_drop_path(lambda x, b, p, m: x + b * m[:1] / (1 - p))),
            Mistake(Text("预测时不抛硬币：看 `training`", "prediction tosses no coins: look at `training`"),
                    drop.wrong_drop_path(drop.right_path, drop.right_path)),
            Mistake(Text("训练时已经除过 1 - p，预测时不再缩放",
                         "training divides by 1 - p already, prediction scales nothing"),
                    drop.wrong_drop_path(drop.right_path, lambda x, b, p, m: x + (1 - p) * b)),
        ),
        solution="""
            def drop_path(x, branch, p, coins, training):
                if not training:
                    return x + branch
                return x + branch * coins.reshape([-1] + [1] * (branch.ndim - 1)) / (1 - p)
            """,
        why=Text("与丢弃法一样，只是整条支路共用一枚硬币；x 从旁边通过，所以块丢了，信号还在。",
                 "As in Dropout, but a whole branch shares one coin; x passes by it, so the signal gets through."),
    ),
}

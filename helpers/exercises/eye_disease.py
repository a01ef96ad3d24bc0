"""The exercises of notebook 05: what the figures of a classifier mean, and how they are computed."""

from __future__ import annotations

from typing import Any

from helpers.exercises.exercise import Exercise, Function, Mistake, Number
from helpers.language import Text

import numpy as np
import paddle
from sklearn.metrics import roc_auc_score


def _photograph(rng: np.random.Generator) -> dict[str, Any]:
    """A round picture of two-coloured noise on black, uint8 [S, S, 3].

    At one to three tenths of the pixels inside one channel or two are dark, 0 to 15, as red and blue often are in an
    eye; outside is noise of 0 to 15.
    """
    size = int(rng.integers(8, 20))
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    image = np.maximum(rng.integers(20, 255, (size, size, 3)) * rng.uniform(0.4, 1, 3), 20)
    lit = rng.permuted(np.tile([True, False, False], (size, size, 1)), axis=-1)  # the channel that stays bright
    lit |= rng.uniform(size=(size, size, 3)) < 0.5
    dark = rng.integers(0, 16, (size, size, 3))
    image = np.where(lit | (rng.uniform(size=(size, size, 1)) > rng.uniform(0.1, 0.3)), image, dark)
    return {"image": np.where((np.hypot(x, y) <= size / 2)[..., None], image, dark).astype(np.uint8)}


def _lit(image: np.ndarray) -> np.ndarray:
    return (image > 15).any(axis=-1)


def _normalise(image: np.ndarray, lit: np.ndarray | None = None, var: Any = np.mean) -> np.ndarray:
    """The picture of another field of view, or with another variance made of those of the channels."""
    lit = _lit(image) if lit is None else lit
    return (image - image[lit].mean(axis=0)) / np.sqrt(var(image[lit].var(axis=0))) * lit[..., None]


def _scores(rng: np.random.Generator) -> dict[str, Any]:
    count = int(rng.integers(6, 30))
    labels = np.concatenate([[0, 1], rng.integers(0, 2, count)])
    return {"labels": labels, "scores": np.round(rng.uniform(size=count + 2) + 0.3 * labels, 1)}  # with ties


def _pairs(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return scores[labels == 1][:, None] - scores[labels == 0]


def _logits(rng: np.random.Generator) -> dict[str, Any]:
    n, k = int(rng.integers(2, 6)), int(rng.integers(2, 5))
    smoothing = round(rng.uniform(0.05, 0.3), 2)
    return {"logits": 2 * rng.normal(size=(n, k)), "labels": rng.integers(0, k, n), "smoothing": smoothing}


def _smoothed(logits: paddle.Tensor, labels: np.ndarray, smoothing: float, share: float = 1.0) -> paddle.Tensor:
    k = logits.shape[1]
    target = paddle.nn.functional.one_hot(paddle.to_tensor(labels), k).astype(logits.dtype)
    target = (1 - smoothing) * target + share * smoothing / k
    return -(target * paddle.nn.functional.log_softmax(logits)).sum(axis=1).mean()


EXERCISES: dict[str, Exercise] = {
    "05.1": Function(
        title=Text("归一化一张照片", "normalise a photograph"),
        truth=_normalise,
        draw=_photograph,
        rtol=2e-3,
        hints=(
            Text(
                "先找出视野：任何一个通道大于 15 的像素。",
                "First find the field of view: the pixels with any channel above 15.",
            ),
            Text(
                "均值每个通道各一个；标准差三个通道共用一个：三个方差的平均，再开方。",
                "One mean for each channel; one deviation for all three: the root of the mean of their variances.",
            ),
            Text("最后乘上视野，让外面成为 0。", "Multiply by the field of view at the end: the outside becomes 0."),
        ),
        mistakes=(
            Mistake(
                Text("有一个通道大于 15 就在视野里", "a pixel with any channel above 15 is in the field of view"),
                lambda image: _normalise(image, (image > 15).all(axis=-1)),
            ),
            Mistake(
                Text("黑边也算进统计量里了", "the black border went into the statistics"),
                lambda image: _normalise(image, np.full(image.shape[:2], True)) * _lit(image)[..., None],
            ),
            Mistake(
                Text("每个通道用了自己的标准差，对比就变了", "each channel has its own deviation: contrasts change"),
                lambda image: _normalise(image, var=lambda each: each),
            ),
            Mistake(
                Text("视野外面应当是 0", "outside the field of view it must be 0"),
                lambda image: (image - image[_lit(image)].mean(0)) / np.sqrt(image[_lit(image)].var(0).mean()),
            ),
        ),
        solution="""
            def normalise(image):
                lit = (image > 15).any(axis=-1)
                mean, var = image[lit].mean(axis=0), image[lit].var(axis=0)
                return (image - mean) / np.sqrt(var.mean()) * lit[..., None]
            """,
        why=Text(
            "`image[lit]` 的形状是 [像素数, 3]，所以均值和方差都沿第 0 轴取。",
            "`image[lit]` has the shape [pixels, 3], so mean and variance run along axis 0.",
        ),
    ),
    "05.2": Function(
        title=Text("标签平滑的损失", "the loss with label smoothing"),
        truth=lambda logits, labels, smoothing: paddle.nn.functional.cross_entropy(
            logits, paddle.to_tensor(labels), label_smoothing=smoothing
        ),
        draw=_logits,
        gradients=("logits",),
        outputs=("loss",),
        hints=(
            Text(
                "把标签写成 one-hot，再与均匀分布混合。",
                "Write the labels as one-hot, then mix them with the uniform distribution.",
            ),
            Text(
                "目标是 `(1 - s) * onehot + s / K`，损失是各样本交叉熵的平均。",
                "The target is `(1 - s) * onehot + s / K`; the loss is the mean of the samples' cross-entropies.",
            ),
        ),
        mistakes=(
            Mistake(
                Text("没有用到平滑", "the smoothing is not used"),
                lambda logits, labels, s: _smoothed(logits, labels, 0.0),
            ),
            Mistake(
                Text("少了均匀的那一份 s / K", "the uniform share s / K is missing"),
                lambda logits, labels, s: _smoothed(logits, labels, s, share=0.0),
            ),
            Mistake(
                Text("对样本要取平均，不是求和", "take the mean over the samples, not the sum"),
                lambda logits, labels, s: _smoothed(logits, labels, s) * logits.shape[0],
            ),
        ),
        solution="""
            def smoothed_loss(logits, labels, smoothing):
                k = logits.shape[1]
                onehot = paddle.nn.functional.one_hot(paddle.to_tensor(labels), k).astype(logits.dtype)
                target = (1 - smoothing) * onehot + smoothing / k
                return -(target * paddle.nn.functional.log_softmax(logits, axis=1)).sum(axis=1).mean()
            """,
        why=Text(
            "两个类别、s = 0.1 时，真实类别的目标是 0.95，另一个是 0.05。",
            "With two classes and s = 0.1 the target of the true class is 0.95, that of the other one 0.05.",
        ),
    ),
    "05.3": Function(
        title=Text("数一数得到 AUC", "AUC by counting"),
        truth=lambda labels, scores: roc_auc_score(labels, scores),
        draw=_scores,
        outputs=("AUC",),
        hints=(
            Text(
                "AUC 是一个比例：在所有（患病，没病）的配对中，患病者得分更高的有多少。",
                "AUC is a share: of all pairs of one sick and one healthy eye, those where the sick one scores higher.",
            ),
            Text("得分相同的配对算一半。", "A pair with equal scores counts one half."),
        ),
        mistakes=(
            Mistake(
                Text("得分相同的配对要算一半", "pairs with equal scores count one half"),
                lambda labels, scores: (_pairs(labels, scores) > 0).mean(),
            ),
            Mistake(
                Text("得分相同的配对只算一半，不是一整对", "pairs with equal scores count one half only, not a whole"),
                lambda labels, scores: (_pairs(labels, scores) >= 0).mean(),
            ),
            Mistake(
                Text("方向反了：患病的应当得分更高", "the other way round: the sick one should score higher"),
                lambda labels, scores: 1 - roc_auc_score(labels, scores),
            ),
        ),
        solution="""
            def area_under_curve(labels, scores):
                gap = scores[labels == 1][:, None] - scores[labels == 0]
                return (gap > 0).mean() + 0.5 * (gap == 0).mean()
            """,
        why=Text(
            "`[:, None]` 让每一个患病的得分与每一个没病的得分相减，得到所有的配对。",
            "With `[:, None]` the score of every sick eye meets that of every healthy one: all pairs at once.",
        ),
    ),
    "05.4": Function(
        title=Text("阳性预测值", "positive predictive value"),
        truth=lambda sensitivity, specificity, prevalence: (
            sensitivity * prevalence / (sensitivity * prevalence + (1 - specificity) * (1 - prevalence))
        ),
        draw=lambda rng: {
            "sensitivity": round(rng.uniform(0.5, 1), 3),
            "specificity": round(rng.uniform(0.5, 0.99), 3),
            "prevalence": rng.uniform(0.01, 0.6, 4),
        },
        outputs=("PPV",),
        hints=(
            Text("分子是报对的：有病而且被报出来的。", "The numerator is the true alarms: sick, and reported."),
            Text(
                "分母是所有报警：报对的，加上没病却被报的。",
                "The denominator is all alarms: the true ones, and the healthy ones that were reported.",
            ),
        ),
        mistakes=(
            Mistake(
                Text("那是报对的份额，还要除以所有报警", "that is the share of true alarms: divide by all alarms"),
                lambda a, b, p: a * p,
            ),
            Mistake(
                Text("没病却被报的比例是 1 - 特异度", "the share of the healthy that is reported is 1 - specificity"),
                lambda a, b, p: a * p / (a * p + b * (1 - p)),
            ),
            Mistake(
                Text("没病的人占 1 - 患病率", "the healthy are a share of 1 - prevalence"),
                lambda a, b, p: a * p / (a * p + (1 - b) * p),
            ),
        ),
        solution="""
            def ppv(sensitivity, specificity, prevalence):
                true_alarms = sensitivity * prevalence
                false_alarms = (1 - specificity) * (1 - prevalence)
                return true_alarms / (true_alarms + false_alarms)
            """,
        why=Text(
            "这就是贝叶斯公式：患病率是先验，PPV 是报警之后的后验。",
            "It is Bayes' rule: the prevalence is the prior, PPV what follows after an alarm.",
        ),
    ),
    "05.5": Number(
        title=Text("灵敏度", "sensitivity"),
        truth=lambda: 190 / 211,
        rtol=2e-3,
        hints=(
            Text("病人在第二行。", "The patients are in the second row."),
            Text("21 个被漏掉，190 个被认出。", "21 were missed, 190 were recognised."),
        ),
        mistakes=(
            Mistake(Text("那是特异度", "that is the specificity"), 180 / 189),
            Mistake(
                Text("那是精确率；应除以病人数", "that is the precision; divide by the number of the sick"), 190 / 199
            ),
            Mistake(Text("写成比例，不要写成百分数", "write it as a share, not in percent"), lambda share: 100 * share),
        ),
        solution="answer = 190 / (21 + 190)",
        why=Text(
            "灵敏度只看病人那一行：认出的除以全部病人，约 0.9005。",
            "Sensitivity looks at the patients' row alone: the recognised over all patients, about 0.9005.",
        ),
    ),
    "05.6": Number(
        title=Text("基本块的参数个数", "parameters of a basic block"),
        truth=lambda: 32544,
        hints=(
            Text(
                "三个卷积，都没有偏置；三个批归一化。",
                "Three convolutions, none of them with a bias; three BatchNorm layers.",
            ),
            Text(
                "卷积是 3×3（24→48）、3×3（48→48）和 1×1（24→48）。",
                "The convolutions are 3×3 (24→48), 3×3 (48→48) and 1×1 (24→48).",
            ),
        ),
        mistakes=(
            Mistake(Text("漏了捷径上的卷积", "the shortcut's convolution is missing"), 32544 - 24 * 48),
            Mistake(
                Text("漏了批归一化的两种参数", "the two kinds of parameters of BatchNorm are missing"), 32544 - 6 * 48
            ),
            Mistake(Text("这里的卷积没有偏置", "a convolution has no bias here"), 32544 + 3 * 48),
            Mistake(
                Text("移动平均的均值和方差不参与训练", "the mean and variance of the moving average are not trained"),
                32544 + 6 * 48,
            ),
        ),
        solution="answer = 9 * 24 * 48 + 9 * 48 * 48 + 24 * 48 + 3 * 2 * 48",
        why=Text(
            "10368 + 20736 + 1152 + 288；`resnet.BasicBlock(24, 48, stride=2)` 可训练的参数一样多。",
            "10368 + 20736 + 1152 + 288; `resnet.BasicBlock(24, 48, stride=2)` has just as many trained ones.",
        ),
    ),
    "05.7": Number(
        title=Text("区间减半要多少张", "images for half the interval"),
        truth=lambda: 800,
        rtol=0.1,
        hints=(
            Text("标准误是 p (1 - p) / n 的平方根。", "The standard error is the root of p (1 - p) / n."),
            Text("宽度与 n 的平方根成反比。", "The width falls with the square root of n."),
        ),
        mistakes=(Mistake(Text("宽度随张数的平方根下降", "the width falls with the square root of the number"), 400),),
        solution="answer = 4 * 200",
        why=Text(
            "减半要四倍：见 `metrics.proportion(190, 200)` 和 `metrics.proportion(760, 800)`。",
            "Half takes four times as many: see `metrics.proportion(190, 200)` and `metrics.proportion(760, 800)`.",
        ),
    ),
}

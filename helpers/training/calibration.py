"""Whether a probability can be taken at its word, and the temperature that helps where it cannot.

Probabilities are arrays [n, K] whose rows add up to 1, or [n], the probability of class 1 of two. They should be of
images that were not trained on: of the others a network is surer than it ought to be.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
_TINY = 1e-12


class CalibrationError(NamedTuple):
    """An expected calibration error, and what it is without any fault of the network.

    Attributes:
        value: the expected calibration error (ECE).
        by_chance: the mean of what a network with the same probabilities and no fault has on as many images. The ECE of
            few images is never 0: each group of them is off by chance, and absolute values do not cancel.
        most_by_chance: 95 % of those are at most that; a value above it is not chance alone.
    """

    value: float
    by_chance: float
    most_by_chance: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (without any fault {self.by_chance:.3f}, up to {self.most_by_chance:.3f})"


def expected_error(
    probabilities: np.ndarray, happened: np.ndarray, bins: int = 10, draws: int = 1000, seed: int = 0
) -> CalibrationError:
    """How far the share of what happened is from the probability that was given, averaged over groups of equal width.

    Naeini, Cooper and Hauskrecht 2015, https://doi.org/10.1609/aaai.v29i1.9602; what chance alone gives is found by
    drawing outcomes with those very probabilities (Bröcker and Smith 2007, https://doi.org/10.1175/WAF993.1).

    Args:
        probabilities: [n], each that of one event: of class 1, or of the class that was said.
        happened: [n], 0 or 1: whether it is class 1, or whether the class that was said is right.
        bins: groups, of equal width from 0 to 1.
        draws, seed: of those outcomes.

    Raises:
        ValueError: the lengths differ, there is no image, or a value is none of those.
    """
    p, y = np.asarray(probabilities, float), np.asarray(happened, float)
    if p.ndim != 1 or p.shape != y.shape or not len(p):
        raise ValueError(f"probabilities and happened must be two lists of one length, not {p.shape} and {y.shape}")
    if not ((p >= 0) & (p <= 1)).all() or not np.isin(y, (0, 1)).all():
        raise ValueError("probabilities must be from 0 to 1, and what happened 0 or 1")
    group = np.minimum((p * bins).astype(int), bins - 1)
    member = np.eye(bins)[group]  # [n, bins]
    drawn = np.random.default_rng(seed).random((draws, len(p))) < p
    errors = np.abs((np.vstack([y, drawn]) - p) @ member).sum(axis=1) / len(p)
    return CalibrationError(float(errors[0]), float(errors[1:].mean()), float(np.percentile(errors[1:], 95)))


def losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The negative log-likelihood of each image, float64 [n]: -ln of the probability of its own class.

    Raises:
        ValueError: what `fit_temperature` refuses.
    """
    q, labels = _columns(labels, probabilities)
    return -np.log(q[np.arange(len(q)), labels] + _TINY)


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(z / T) made from softmax(z), same shape: what all classes share cancels. T above 1 makes less sure.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"a temperature must be a number above 0, not {temperature}")
    q = np.asarray(probabilities)
    if temperature == 1:
        return q
    both = np.stack([1 - q, q], axis=1) if q.ndim == 1 else q
    logs = np.log(both.astype(float) + _TINY) / temperature
    tempered = np.exp(logs - logs.max(axis=1, keepdims=True))
    tempered /= tempered.sum(axis=1, keepdims=True)
    return (tempered[:, 1] if q.ndim == 1 else tempered).astype(q.dtype)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature with the smallest negative log-likelihood, from LOWEST to HIGHEST.

    Where every image is right, the likelihood alone would make it 0 and every answer quite sure. So the targets are
    those of Platt (1999), for K classes (n_k + 1) / (n_k + K) rather than 1 for an image of class k and
    1 / (n_k + K) rather than 0 for each of the others: of n images, none wrong, nobody knows that none ever will be.

    Args:
        labels: int [n].
        probabilities: of images that were not trained on, [n, K], or [n] for class 1 of two.

    Raises:
        ValueError: the shapes do not fit, a label is no class, a value is no probability, or no two classes are there.
    """
    q, labels = _columns(labels, probabilities)
    counts = np.bincount(labels, minlength=q.shape[1])
    if (counts > 0).sum() < 2:
        raise ValueError("a temperature needs images of at least two classes")
    targets = np.repeat(1 / (counts[labels] + q.shape[1])[:, None], q.shape[1], axis=1)
    targets[np.arange(len(q)), labels] *= counts[labels] + 1

    def loss(log_temperature: float) -> float:
        return -(targets * np.log(temper(q, math.exp(log_temperature)) + _TINY)).sum(axis=1).mean()

    found = minimize_scalar(loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded")
    return float(math.exp(found.x))


def _columns(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64 [n, K] and labels int64 [n], or an error that names what is wrong with them."""
    q, labels = np.asarray(probabilities, float), np.asarray(labels)
    if q.ndim == 1:
        q = np.stack([1 - q, q], axis=1)
    if q.ndim != 2 or labels.shape != q.shape[:1] or not len(q):
        raise ValueError(f"labels must be [n] and probabilities [n] or [n, K], not {labels.shape} and {q.shape}")
    if not ((q >= 0) & (q <= 1)).all() or np.abs(q.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities must be from 0 to 1 and add up to 1 for each image: of logits take the softmax")
    if labels.dtype.kind not in "biuf" or not np.isin(labels, np.arange(q.shape[1])).all():
        raise ValueError(f"a label must be a class from 0 to {q.shape[1] - 1}")
    return q, labels.astype(np.int64)

"""Whether a probability can be taken at its word, and the temperature that helps where it cannot.

Probabilities are arrays [n, K] whose rows add up to 1, or [n], the probability of class 1 of two. They should be of
images that were not trained on: of the others a network is surer than it ought to be.
"""
from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from helpers import intervals
from helpers.checks import array, number, whole
from helpers.training import metrics, multiclass

import numpy as np
from scipy.optimize import minimize_scalar

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
SPREAD = 0.5  # of ln T: most networks need a T from 0.4 to 2.7
TINY = 1e-12
MOST_BINS = 10_000


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
        ValueError: the lengths differ, there is no image, or a value is none of those; no group or no draw.
    """
    bins, draws, seed = whole("bins", bins, 1, MOST_BINS), whole("draws", draws, 1), whole("seed", seed, 0)
    p, y = (array(*each, "n").astype(float) for each in (("probabilities", probabilities), ("happened", happened)))
    if p.shape != y.shape or not len(p):
        raise ValueError(f"probabilities and happened must be two lists of one length, not {p.shape} and {y.shape}")
    if not ((p >= 0) & (p <= 1)).all() or not np.isin(y, (0, 1)).all():
        raise ValueError("probabilities must be from 0 to 1, and what happened 0 or 1")
    group = np.minimum((p * bins).astype(int), bins - 1)
    member = np.eye(bins)[group]  # [n, bins]
    rng = np.random.default_rng(seed)
    outcomes = (rng.random((rows, len(p))) < p for rows in metrics.blocks(draws, len(p)))
    value, *parts = (np.abs((each - p) @ member).sum(axis=1) / len(p) for each in itertools.chain([y[None]], outcomes))
    errors = np.concatenate(parts)
    return CalibrationError(float(value[0]), float(errors.mean()), float(np.percentile(errors, 95)))


def losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The negative log-likelihood of each image, float64 [n]: -ln of the probability of its own class.

    Raises:
        ValueError: what `fit_temperature` refuses.
    """
    q, labels = _columns(labels, probabilities)
    return -np.log(q[np.arange(len(q)), labels] + TINY)


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(z / T) made from softmax(z), same shape: what all classes share cancels. T above 1 makes less sure.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599.

    Raises:
        ValueError: the temperature is not above 0; with one other than 1, a value that is no probability.
    """
    temperature = number("a temperature", temperature, above=0)
    q = array("probabilities", probabilities, "n | n K", finite=False)
    q = q if q.dtype.kind == "f" else q.astype(float)  # a whole number has no place for what it becomes
    if temperature == 1:
        return q
    if not ((q >= 0) & (q <= 1 + 1e-3)).all():
        raise ValueError("probabilities must be from 0 to 1: of logits take the softmax")
    both = np.stack([1 - q, q], axis=1) if q.ndim == 1 else q
    logs = np.log(both.astype(float) + TINY) / temperature
    tempered = np.exp(logs - logs.max(axis=1, keepdims=True))
    tempered /= tempered.sum(axis=1, keepdims=True)
    return (tempered[:, 1] if q.ndim == 1 else tempered).astype(q.dtype)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray, spread: float = SPREAD) -> float:
    """The temperature of Guo and others (see `temper`), as likely as the images and a little prejudice make it.

    Where every one of a few images is right, the likelihood alone would make it 0, and every answer quite sure. So
    ln T is taken to be normal around 0 with a standard deviation of `spread` before any image is seen: that counts as
    much as a few images, and hardly anything against hundreds. docs/measured/calibration.txt compares it with the
    likelihood alone.

    Args:
        labels: int [n].
        probabilities: of images that were not trained on, [n, K], or [n] for class 1 of two.
        spread: math.inf leaves the likelihood alone.

    Returns:
        a temperature from LOWEST to HIGHEST; below 1 the network was less sure than it had reason to be.

    Raises:
        ValueError: the shapes do not fit, a label is no class, a value is no probability, no two classes are there, or
            the spread is not above 0.
    """
    if not (isinstance(spread, float) and spread == math.inf):
        spread = number("spread", spread, above=0)
    q, labels = _columns(labels, probabilities)
    if len(set(labels.tolist())) < 2:
        raise ValueError("a temperature needs images of at least two classes")

    def surprise(log_temperature: float) -> float:
        misfit = losses(labels, temper(q, math.exp(log_temperature))).sum()
        return misfit + (log_temperature / spread) ** 2 / 2

    found = minimize_scalar(surprise, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded")
    return float(math.exp(found.x))


class Settled(NamedTuple):
    """What images that were held back have settled: for a model's file, with a few words on it for its card."""

    temperature: float
    threshold: float
    notes: dict[str, str]


def settle(labels: np.ndarray, probabilities: np.ndarray | None, sensitivity: float | None = None) -> Settled:
    """The temperature, and for two classes the threshold on the tempered probabilities.

    Args:
        labels: int [n], of the images that were held back.
        probabilities: [n] or [n, K], as the network says them; None: no image was held back, so nothing can be settled.
        sensitivity: what the threshold is to reach, as a screening asks for; None: the largest sensitivity +
            specificity.

    Raises:
        ValueError: what `fit_temperature` and `metrics.threshold_for` refuse; a sensitivity for more than two classes.
    """
    if probabilities is None:
        return Settled(1.0, 0.5, {"calibration": "none, no image was held back for it"})
    temperature = fit_temperature(labels, probabilities)
    notes = {"calibration": f"temperature {temperature:.3f}, fitted on {len(labels)} images held back from training"}
    if np.ndim(probabilities) > 1:
        if sensitivity is not None:
            raise ValueError("a threshold for a sensitivity is for two classes; of more the likeliest is said")
        return Settled(temperature, 0.5, notes)
    tempered = temper(probabilities, temperature)
    if sensitivity is None:
        threshold = metrics.choose_threshold(labels, tempered)
        notes["threshold chosen for"] = "the largest sensitivity + specificity on them"
    else:
        threshold = metrics.threshold_for(labels, tempered, sensitivity)
        patients = int(array("labels", labels, "n").sum())
        notes["threshold chosen for"] = (
            f"a sensitivity of {sensitivity:g} on the {patients} of them that are of class 1; on other images of the "
            f"same kind it is about {metrics.sensitivity_on_new(patients, sensitivity)}"
        )
    return Settled(temperature, threshold, notes)


def compared(labels: np.ndarray, probabilities: np.ndarray, temperature: float) -> dict[str, str]:
    """Figures of other images before and after a temperature, as text by their names, for a model card.

    The difference has a 95 % interval over the images. The calibration error is that of class 1, or of more than two
    classes that of the class that is said.

    Raises:
        ValueError: what `fit_temperature` and `temper` refuse.
    """
    both = [temper(probabilities, each) for each in (1, temperature)]
    before, after = (losses(labels, q) for q in both)
    errors = []
    for q in both:
        said, happened = (q, labels) if q.ndim == 1 else (q.max(axis=1), q.argmax(axis=1) == labels)
        errors.append(str(expected_error(said, happened)))
    likelihood = f"{before.mean():.3f}, after {after.mean():.3f}, difference {intervals.difference(after, before):+.3f}"
    return {"negative log-likelihood before": likelihood, "calibration error before": ", after ".join(errors)}


def _columns(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64 [n, K] and labels int64 [n], or an error that names what is wrong with them."""
    q = array("probabilities", probabilities, "n | n K").astype(float)
    labels, q = multiclass.checked(labels, np.stack([1 - q, q], axis=1) if q.ndim == 1 else q)
    return q, labels

"""Maps of where in an image a network finds what speaks for a class: Grad-CAM and integrated gradients.

A map always looks like something. Whether it shows what the answer hangs on has to be measured
(`helpers.training.faithfulness`, `python -m helpers.commands.explanations`).
"""
from __future__ import annotations

from helpers.checks import array, shown, whole
from helpers.runtime import mode
from helpers.training.resnet import ResNet

import cv2
import numpy as np
import paddle
from paddle import nn

BLUR = 0.1  # Gaussian's sigma of the blurred image, in shares of the side: of an eye, a vague cloud of colours is left
SMOOTH = 1 / 24  # the same, of what `evidence_map` smooths with
STEPS = 16  # of the integral; tests/training/test_explain.py shows how near its sum then is
WAYS = ((), (2,), (3,), (2, 3))  # the axes to mirror: as it is, top to bottom, left to right, both


def log_odds(logits: paddle.Tensor, k: int = 1) -> paddle.Tensor:
    """ln(p / (1 - p)) for the probability p of class k: logits [N, K] -> [N]; with two classes their difference.

    Raises:
        ValueError: there is no class k, only one class, or no such tensor.
    """
    floats = isinstance(logits, paddle.Tensor) and logits.is_floating_point()
    if not floats or logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"the logits must be a tensor of floats [N, K], K >= 2, not {_said(logits)}")
    k = whole("k, one of the classes,", k, 0, logits.shape[1] - 1)
    others = paddle.concat([logits[:, :k], logits[:, k + 1 :]], axis=1)
    return logits[:, k] - paddle.logsumexp(others, axis=1)


def grad_cam(model: ResNet, x: paddle.Tensor, k: int = 1, stage: int = 3) -> np.ndarray:
    """Grad-CAM: ReLU of the sum over channels c of a_c A_c.

    A_c are the feature maps behind a stage, a_c is the mean over positions of the gradient of class k's log-odds by
    A_c. The model answers in evaluation mode; its mode, its gradients and what is frozen of it stay as they are.

    Selvaraju et al.: Grad-CAM, ICCV 2017, https://arxiv.org/abs/1610.02391.

    Args:
        x: float32 [N, C, S, S].
        k: the class to explain.
        stage: 1 to 4; the later, the more the features mean and the coarser they are.

    Returns:
        float32 [N, S, S], at least 0, linear between the positions of the features; `is_blank` says which are all 0.

    Raises:
        ValueError: there is no such stage or class; the model is no `ResNet`, or x no such tensor.
    """
    if not isinstance(model, ResNet):
        raise ValueError(f"the model must be a ResNet, not {shown(type(model).__name__)}")
    stage = whole("stage", stage, 1, len(model.stages))
    _check_images("x", x)
    with mode(model, training=False):
        with paddle.no_grad():
            features = model.stages[:stage](model.stem(x))
        features.stop_gradient = False  # even if all of the model is frozen
        with paddle.enable_grad():
            logits = model.fc(model.pool(model.stages[stage:](features)).flatten(1))
            gradient = paddle.grad(log_odds(logits, k).sum(), features)[0]
    with paddle.no_grad():
        cam = nn.functional.relu((gradient.mean(axis=[2, 3], keepdim=True) * features).sum(axis=1, keepdim=True))
        return nn.functional.interpolate(cam, size=x.shape[2:], mode="bilinear")[:, 0].numpy()


def integrated_gradients(
    model: nn.Layer, x: paddle.Tensor, baseline: paddle.Tensor, k: int = 1, steps: int = STEPS
) -> np.ndarray:
    """The share that each value of x has in the log-odds of class k, compared with a baseline.

    It is (x - baseline) times the mean gradient on the straight way from one to the other; all shares of an image add
    up to the difference of its log-odds and the baseline's (completeness), as exactly as `steps` allow. State is left
    alone as in `grad_cam`.

    Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017, https://arxiv.org/abs/1703.01365.

    Args:
        x, baseline: float32 [N, C, S, S].
        k: the class to explain.
        steps: of the sum (midpoint rule) that stands for the integral.

    Returns:
        float32 [N, C, S, S]; below 0 where a value speaks against the class.

    Raises:
        ValueError: x and the baseline are no such tensors, or differ in shape; no steps, or no such class.
    """
    steps = whole("steps", steps, 1)
    _check_images("x", x)
    _check_images("the baseline", baseline)
    if list(x.shape) != list(baseline.shape) or x.dtype != baseline.dtype:
        raise ValueError(f"x, {_said(x)}, and the baseline, {_said(baseline)}, must be alike")
    way, total = x - baseline, 0
    with mode(model, training=False), paddle.enable_grad():
        for step in range(steps):
            point = (baseline + (step + 0.5) / steps * way).detach()
            point.stop_gradient = False
            total = total + paddle.grad(log_odds(model(point), k).sum(), point)[0].detach()
    return (way * total / steps).numpy()


def evidence_map(
    model: nn.Layer, x: np.ndarray, field: np.ndarray, k: int = 1, flip: bool = True, steps: int = STEPS
) -> np.ndarray:
    """Where an image holds what raises the log-odds of class k above those of the same image blurred.

    It is the integrated gradients from the blurred image, added up over the channels and smoothed; what speaks against
    the class is 0.

    Args:
        x: float32 [N, C, S, S].
        field: bool [N, S, S], the field of view; the map is 0 outside of it.
        k: the class to explain.
        flip: average over the image and its three mirror images, as `inference.predict` does.

    Returns:
        float32 [N, S, S], at least 0; `is_blank` says which are all 0.

    Raises:
        ValueError: there is no such class, no steps, or what `blurred` refuses.
    """
    x, field = _checked(x, field)
    ends = x, blurred(x, field)
    ways, shares = WAYS if flip else WAYS[:1], 0.0
    for axes in ways:
        image, baseline = (paddle.to_tensor(np.ascontiguousarray(np.flip(end, axes))) for end in ends)
        shares = shares + np.flip(integrated_gradients(model, image, baseline, k, steps), axes).sum(axis=1)
    width = SMOOTH * x.shape[-1]
    smooth = np.stack([cv2.GaussianBlur(each, (0, 0), width) for each in np.float32(shares / len(ways))])
    return np.maximum(smooth, 0) * field


def blurred(x: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Images without what is finer than BLUR: float32 [N, C, S, S] as x.

    Each is a weighted mean over the field of view alone, bool [N, S, S], so that nothing leaks over its border; outside
    of it x stays as it is.

    Raises:
        ValueError: x holds no floats [N, C, S, S], or field is not bool [N, S, S]; of 0 and 1 it would name places.
    """
    x, field = _checked(x, field)
    result, width = x.copy(), BLUR * x.shape[-1]
    for image, inside in zip(result, field, strict=True):
        weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), width)
        for channel in image:
            channel[inside] = cv2.GaussianBlur(channel * inside, (0, 0), width)[inside] / weight[inside]
    return result


def is_blank(maps: np.ndarray) -> np.ndarray:
    """Which of the maps [N, S, S] say nothing, because they are 0 everywhere: bool [N].

    Raises:
        ValueError: they are no numbers [N, S, S].
    """
    return ~array("maps", maps, "N S S").any(axis=(1, 2))


def _checked(x: np.ndarray, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, field = array("x", x, "N C S S", "f"), array("field", field, "N S S", "b")
    if field.shape != (len(x), *x.shape[2:]):
        raise ValueError(f"field {field.shape} must be [N, S, S] of x {x.shape}")
    return x.astype(np.float32, copy=False), field


def _check_images(name: str, x: object) -> None:
    if not isinstance(x, paddle.Tensor) or x.ndim != 4 or not x.is_floating_point():
        raise ValueError(f"{name} must be a tensor of floats [N, C, S, S], not {_said(x)}")


def _said(value: object) -> str:
    return f"one of {value.dtype} {value.shape}" if isinstance(value, paddle.Tensor) else shown(value)

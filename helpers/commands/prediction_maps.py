"""The maps of `predict --explain`: where in a photograph the network finds what speaks for a class, as small pictures.

How much such a map is worth is measured by `helpers.commands.explanations`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from helpers.commands.prediction_report import Row
from helpers.fundus.images import BLACK
from helpers.training.explain import evidence_map
from helpers.training.model_file import About
from helpers.training.resnet import ResNet

import cv2
import numpy as np

BATCH = 16  # photographs: gradients need several times the memory of answers
SIDE = 160  # pixels of each of the two halves of a picture
COLOURS = cv2.COLORMAP_VIRIDIS  # from dark to bright evenly, so that it can be read in grey and without red and green


def with_maps(
    rows: Sequence[Row], photographs: Sequence[np.ndarray | None], inputs: Sequence[np.ndarray | None], model: ResNet,
    about: About,
) -> list[Row]:  # fmt: skip
    """The rows, those with a decision with the picture of a map; b"" where a map is 0 everywhere.

    Of two classes class 1 is explained, whatever was decided; of more, the one that was decided for.

    Args:
        photographs: uint8 [S, S, 3], as the network was asked about them, or None.
        inputs: the same normalised, float32 [3, S, S].
    """
    result = list(rows)
    judged = [index for index, row in enumerate(rows) if row.judged]
    for k in sorted({explained(rows[index], about.classes) for index in judged}):
        chosen = [index for index in judged if explained(rows[index], about.classes) == k]
        x = np.stack([inputs[index] for index in chosen])
        field = np.stack([photographs[index].max(axis=2) > BLACK for index in chosen])
        for index, evidence in zip(chosen, evidence_map(model, x, field, k, about.flip), strict=True):
            picture = drawn(photographs[index], evidence) if evidence.any() else b""
            result[index] = replace(rows[index], map=picture)
    return result


def explained(row: Row, classes: Sequence[str]) -> int:
    """The class whose map is drawn."""
    return 1 if len(classes) == 2 else classes.index(row.decision)


def drawn(photograph: np.ndarray, evidence: np.ndarray) -> bytes:
    """A JPEG: the photograph with a line around what is above half of the map's highest value, and the map beside it.

    Args:
        photograph: uint8 [S, S, 3].
        evidence: float32 [S, S], at least 0 and not 0 everywhere.
    """
    sides = (SIDE, SIDE)
    left = cv2.resize(cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR), sides, interpolation=cv2.INTER_LINEAR)
    share = cv2.resize(evidence / evidence.max(), sides, interpolation=cv2.INTER_LINEAR)
    lines, _ = cv2.findContours((share >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(left, lines, -1, (0, 0, 0), 3)  # black around white is seen on light and on dark
    cv2.drawContours(left, lines, -1, (255, 255, 255), 1)
    right = cv2.applyColorMap((255 * share).astype(np.uint8), COLOURS)
    both = np.concatenate([left, np.full((SIDE, 4, 3), 255, np.uint8), right], axis=1)
    return cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def scale() -> bytes:
    """The colours from 0 to a map's highest value, left to right: a JPEG of 160 x 12 pixels."""
    colours = cv2.applyColorMap(np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (12, 1)), COLOURS)
    return cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

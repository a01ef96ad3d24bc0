"""What is measured after each epoch of a training, and where it is written down."""
from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path

from helpers.checks import as_numpy
from helpers.files import write_atomically
from helpers.training import metrics, multiclass

import numpy as np
from sklearn.metrics import roc_auc_score


@dataclass
class History:
    """What was measured after each epoch; each list has one number an epoch.

    Without a validation part its lists stay empty. The AUC of more than two classes is `multiclass.macro_auc`;
    `one_image` is the most that a single validation image can change it.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    validation_auc: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    one_image: float = 0.0

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the best validation AUC; among equals, of the latest one.

        AUCs that one image could make equal count as equal. The latest epoch has the smallest learning rate, so its
        weights and moving statistics are the most settled. Without a validation part it is the last one.
        """
        if not self.validation_auc:
            return len(self.loss) - 1
        enough = max(self.validation_auc) - self.one_image
        return max(epoch for epoch, auc in enumerate(self.validation_auc) if auc >= enough)

    def validated(self, labels: np.ndarray, scores: np.ndarray) -> None:
        """Add the figures of the validation part: its labels int64 [n], and what `inference.predict` says of it.

        Raises:
            ValueError: what `metrics.report` or `multiclass.macro_auc` refuses; nothing is added then.
        """
        if np.ndim(scores) == 1:
            metrics.checked(labels, scores, probabilities=True)
        labels, scores = as_numpy(labels), as_numpy(scores)
        one_image = multiclass.one_image(labels)
        area = (roc_auc_score if scores.ndim == 1 else multiclass.macro_auc)(labels, scores)
        self.validation_auc.append(float(area))
        if scores.ndim == 1:
            scores = np.stack([1 - scores, scores], axis=1)
        self.one_image = one_image
        of_the_truth = scores[np.arange(len(labels)), labels]
        self.validation_loss.append(float(-np.log(np.clip(of_the_truth, 1e-7, 1)).mean()))
        self.validation_accuracy.append(float((scores.argmax(axis=1) == labels).mean()))

    def rows(self) -> list[dict[str, float]]:
        """One dictionary an epoch, the epochs counted from 1."""
        lists = {name: values for name, values in vars(self).items() if isinstance(values, list) and values}
        return [
            {"epoch": epoch, **dict(zip(lists, values, strict=True))}
            for epoch, values in enumerate(zip(*lists.values(), strict=True), start=1)
        ]

    def line(self) -> str:
        """The last epoch's figures in a line."""
        return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in list(self.rows()[-1].items())[1:])

    def write(self, folder: Path) -> None:
        """Write metrics.jsonl, a JSON line an epoch, and the last epoch to VisualDL's log where that is installed."""
        rows = self.rows()
        # The whole file each time: after a resume it holds every epoch once.
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        write_atomically(folder / "metrics.jsonl", lambda file: file.write(lines))
        if importlib.util.find_spec("visualdl"):
            from visualdl import LogWriter

            with LogWriter(str(folder / "visualdl")) as log:
                for name, value in rows[-1].items():
                    log.add_scalar(name, value, len(rows))

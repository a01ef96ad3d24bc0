"""Training on two data sets at once: all images of the one, and in each epoch others of the other one."""
from __future__ import annotations

from helpers import runtime  # noqa: F401  before paddle

import numpy as np
from paddle.io import Dataset


class JointDataset(Dataset):
    """All items of `main`, followed by `count` items of `extra` that are drawn anew in each epoch.

    Args:
        main: the data set in question; `set_epoch(epoch)` is passed on to both, where they have it.
        extra: where the others come from, such as rendered images.
        count: how many of them in each epoch.
        seed: of the draw, together with the number of the epoch.

    Raises:
        ValueError: there are fewer than `count` items in `extra`.
    """

    def __init__(self, main: Dataset, extra: Dataset, count: int, seed: int = 0) -> None:
        super().__init__()
        if not 0 <= count <= len(extra):
            raise ValueError(f"cannot draw {count} items of {len(extra)}")
        self.main, self.extra, self.count, self.seed = main, extra, count, seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the items of this epoch; call it before iterating."""
        self.drawn = np.random.default_rng([self.seed, epoch]).choice(len(self.extra), self.count, replace=False)
        for dataset in (self.main, self.extra):
            if hasattr(dataset, "set_epoch"):
                dataset.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.main) + self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.int64]:
        if index < len(self.main):
            return self.main[index]
        return self.extra[int(self.drawn[index - len(self.main)])]

"""Progress bars: `tqdm` is tqdm's where that is installed, and a stand-in that shows nothing where it is not.

On AI Studio the course installs nothing, and a bar is no reason to fail there.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Silent:
    """As much of tqdm's interface as the course uses."""

    def __init__(self, iterable: Iterable = (), desc: str = "", total: float | None = None, **_: Any) -> None:
        self.iterable, self.total = iterable, total

    def __iter__(self) -> Iterator:
        return iter(self.iterable)

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float = 1) -> None:
        pass

    def set_postfix(self, **_: Any) -> None:
        pass


try:
    from tqdm import tqdm
except ModuleNotFoundError:
    tqdm = Silent

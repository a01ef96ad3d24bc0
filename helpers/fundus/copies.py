"""Which photographs are copies of one another, whatever their size, brightness and quality."""
from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# The largest distance of two thumbnails that show the same photograph. Measured on 600 real images at 64, 128 and 224
# px: the copies among them are at most 0.001 apart, copies that were scaled to between half and one and a half times
# and saved as JPEG of quality 30 at most 0.032, and the nearest two photographs that are not the same 0.131.
# tests/fundus/test_duplicates.py measures it again.
SAME = 0.065
BLOCK = 256  # thumbnails that are compared with all others at once: 20 MB for 20,000 photographs


def same_photographs(images: np.ndarray) -> list[tuple[int, ...]]:
    """The positions, in groups of two or more, of images [n, H, W, 3] (uint8) that are near copies of one another.

    Each is compared with each. Copies of copies are in one group, also where the first and the last are further apart.
    """
    thumbnails = np.stack([_thumbnail(image) for image in images]) if len(images) else np.zeros((0, 1), np.float32)
    # Pictures of one colour have thumbnails of zeros, near one another but of nothing.
    pictures = np.flatnonzero(thumbnails.any(axis=1))
    thumbnails = thumbnails[pictures]
    # Two thumbnails are sqrt(2 - 2 r) apart, with r their correlation: 0 for the same picture, 1.4 for unrelated ones.
    least = 1 - SAME**2 / 2
    group = np.arange(len(pictures))
    for start in range(0, len(pictures), BLOCK):
        rows, columns = np.nonzero(thumbnails[start : start + BLOCK] @ thumbnails[start:].T >= least)
        new = group[start + rows] != group[start + columns]  # else n copies of one would be n * n pairs
        group = joined(group, start + rows[new], start + columns[new])
    order = np.argsort(group, kind="stable")
    members = np.split(pictures[order], np.flatnonzero(np.diff(group[order])) + 1)
    return sorted(tuple(each.tolist()) for each in members if len(each) > 1)


def joined(group: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The groups, whole numbers [n], where those of these pairs of positions, twice int64 [k], have become one."""
    if not len(one):
        return group
    pairs = coo_array((np.ones(len(one), bool), (group[one], group[other])), shape=(len(group), len(group)))
    return connected_components(pairs, directed=False)[1][group]


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """16 x 16 in grey, float32 [256], of mean 0 and length 1: brightness and contrast do not matter."""
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)

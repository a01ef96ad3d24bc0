"""Finding images that show the same photograph, whatever their size and compression."""
from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_SIDE = 16
# Measured on 600 real images at 64, 128 and 224 px: the copies among them are at most 0.001 apart, copies that were
# scaled to between half and one and a half times and saved as JPEG of quality 30 at most 0.032, and the nearest two
# photographs that are not the same 0.131. tests/test_palm.py measures it again.
LIMIT = 0.065
_AT_ONCE = 1 << 19  # pairs whose distances are in memory at a time


def groups(images: np.ndarray, limit: float = LIMIT) -> list[tuple[int, ...]]:
    """Group the images that are near copies of one another, or of another one in the group.

    Args:
        images: uint8 [n, H, W, 3].
        limit: the largest distance (see `_distances`) at which two images count as the same.

    Returns:
        the positions in each group of two or more.
    """
    count = len(images)
    if not count:
        return []
    thumbnails, group = _thumbnails(images), np.arange(count)
    rows = max(1, _AT_ONCE // count)
    for start in range(0, count, rows):
        # Only the groups so far and the pairs of these rows are kept: the memory grows with n, not with n squared.
        one, other = np.nonzero(_distances(thumbnails[start : start + rows], thumbnails[start:]) < limit)
        one, other = group[one + start], group[other + start]
        near = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(count, count))
        group = connected_components(near, directed=False)[1][group]
    members = [np.flatnonzero(group == number) for number in np.flatnonzero(np.bincount(group) > 1)]
    return [tuple(map(int, positions)) for positions in members]


def _distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Between each of some thumbnails [m, k] and each of others [n, k]: float32 [m, n].

    The Euclidean distance, sqrt(2 - 2 r) with r their correlation: 0 for the same picture, about 1.4 for unrelated
    ones. Pictures of one colour have thumbnails of zeros and count as unrelated.
    """
    return np.sqrt(np.maximum(2 - 2 * some @ others.T, 0))


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """16 x 16 in grey, float32 [n, 256], each of mean 0 and length 1: brightness and contrast do not matter."""
    return np.stack([_thumbnail(image) for image in images])


def _thumbnail(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)

"""Several processes that train one network together: who takes which images, and what all of them measured.

Each process holds the whole network and takes an equal share of every batch; Paddle averages the gradients. In a single
process everything here does what its name says for one. `docs/scaling.md` has the commands.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from helpers import runtime  # noqa: F401  before paddle

import numpy as np
import paddle
import paddle.distributed as dist
from paddle import nn
from paddle.io import BatchSampler, DataLoader, Dataset


def rank() -> int:
    """The number of this process, from 0; process 0 writes the files."""
    return dist.get_rank()


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size()


def start() -> None:
    """Make the processes know each other, if there are several."""
    if world_size() > 1:
        dist.init_parallel_env()


@contextmanager
def first_alone() -> Iterator[None]:
    """Let the first process of each machine run a block before the others, so that they find the files it made."""
    first = int(os.environ.get("PADDLE_RANK_IN_NODE", 0)) == 0
    if world_size() > 1 and not first:
        dist.barrier()
    yield
    if world_size() > 1 and first:
        dist.barrier()


def wait_for_all() -> None:
    """Go on as soon as every process has come as far as this."""
    if world_size() > 1:
        dist.barrier()


class ShuffledBatches(BatchSampler):
    """Batches of equal size in an order that depends on the seed and the epoch alone, shared equally by all processes.

    Batch k holds the same images however many processes there are, so a training that is resumed by another number of
    them goes on with the same batches. (paddle.io.DistributedBatchSampler knows no seed, and pads the data set to a
    multiple of the number of processes.) A small last batch, bad for BatchNorm, is left out.

    Args:
        dataset: of which to give indices.
        batch_size: of all processes together; a smaller data set is one batch.
        seed, epoch: of the order; `set_epoch` chooses another epoch.

    Raises:
        ValueError: a batch cannot be shared equally, or would be empty.
    """

    def __init__(self, dataset: Dataset, batch_size: int, seed: int = 0, epoch: int = 0) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        if len(dataset) == 0:
            raise ValueError("the data set is empty, there is nothing to train on")
        self.count, self.batch_size = len(dataset), min(batch_size, len(dataset))
        if self.batch_size % world_size():
            small = "" if batch_size <= self.count else f", all that there are for a batch size of {batch_size},"
            raise ValueError(
                f"a batch of {self.batch_size} images{small} cannot be shared equally by {world_size()} processes; "
                f"choose a batch size that is a multiple of {world_size()} and at most {self.count}, or fewer processes"
            )
        self.seed, self.epoch = seed, epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; call it before iterating."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield order[start : start + self.batch_size][rank() :: world_size()].tolist()


def batches(dataset: Dataset, batch_size: int, seed: int = 0, epoch: int = 0) -> DataLoader:
    """`ShuffledBatches` of a data set, loaded."""
    sampler = ShuffledBatches(dataset, batch_size, seed, epoch)
    return DataLoader(dataset, batch_sampler=sampler, return_list=True)


def share(count: int) -> range:
    """The positions, of `count`, that this process takes care of; `gather` puts the results of all back in order."""
    return range(rank(), count, world_size())


def gather(mine: np.ndarray, count: int) -> np.ndarray:
    """The results of all processes in order: float32 [count], of this one's for `share(count)`."""
    if world_size() == 1:
        return mine
    longest = -(-count // world_size())
    padded = np.zeros(longest, np.float32)
    padded[: len(mine)] = mine
    shares: list[paddle.Tensor] = []
    dist.all_gather(shares, paddle.to_tensor(padded))
    return np.stack([each.numpy() for each in shares], axis=1).ravel()[:count]


def mean(values: np.ndarray) -> np.ndarray:
    """The mean of an array over all processes, float64 of the same shape."""
    values = np.asarray(values, np.float64)
    if world_size() == 1:
        return values
    total = paddle.to_tensor(values.reshape(-1))
    dist.all_reduce(total)
    return total.numpy().reshape(values.shape) / world_size()


def average_statistics(network: nn.Layer) -> None:
    """Give all processes the mean of their moving means and variances, which each has gathered from its own images."""
    if world_size() == 1:
        return
    # In Paddle, BatchNorm's moving statistics are parameters that are not trained; other layers have buffers.
    for value in [p for p in network.parameters() if not p.trainable] + network.buffers():
        dist.all_reduce(value)
        value.set_value(value / world_size())

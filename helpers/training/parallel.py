"""Several processes that train one network together, as paddle.distributed.launch starts them.

Each process holds the whole network and takes an equal share of every batch; `paddle.DataParallel` averages the
gradients. In a single process everything here does what its name says for one. `docs/scaling.md` has the commands.
"""
from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from helpers import runtime
from helpers.checks import Unusable, whole

import numpy as np
import paddle
import paddle.distributed as dist
from paddle import nn
from paddle.io import DataLoader, Dataset, DistributedBatchSampler, IterableDataset
from paddle.io.dataloader.collate import default_collate_fn

_MEETINGS = itertools.count()  # the same in all processes, which meet in the same places


def rank() -> int:
    """The number of this process, from 0; process 0 writes the files."""
    return dist.get_rank()


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size()


def start() -> None:
    """Make the processes know each other, if there are several.

    Raises:
        Unusable: the machine does not know its own name, by which they find each other.
    """
    if world_size() > 1:
        try:
            dist.init_parallel_env()
        except ValueError as error:
            if "cannot be obtained" not in str(error):
                raise
            name = socket.gethostname()
            raise Unusable(
                f"the processes cannot find each other: this machine does not know its own name, {name}. Add the line "
                f"127.0.1.1 {name} to /etc/hosts"
            ) from error


def wait_for_all() -> None:
    """Go on as soon as every process has come as far as this.

    They meet at Paddle's store, which waits for a quarter of an hour. Paddle's barrier, and all else that Gloo does for
    processes on CPUs, gives up after 30 seconds: a crowded machine takes longer to start a process, and a slow disk to
    write a checkpoint.
    """
    if world_size() == 1:
        return
    store, place = dist.collective._default_store, f"helpers.training.parallel/{next(_MEETINGS)}"
    if store.add(f"{place}/came", 1) == world_size():
        store.set(f"{place}/all", b"here")
    store.wait(f"{place}/all")


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed everything from (seed, epoch), so that an epoch can be repeated without those before it."""
    # Processes that train together must not drop the same features with Dropout.
    place = [rank()] if rank() else []
    runtime.seed(int(np.random.SeedSequence([seed, epoch, *place]).generate_state(1)[0]))


class Loader(DataLoader):
    """Paddle's DataLoader, which raises what the data set raises.

    Paddle reads in a thread, which dies of an error: whoever waits for the next batch then waits for ever. A
    StopIteration it takes for the end, so that the other batches would be missing without a word. (Of a data set
    without a length, an IterableDataset, only Paddle knows how to read it: there all this is as ever.)
    """

    def __init__(self, dataset: Dataset, **options: Any) -> None:
        self._items, self._error = dataset, None
        # The thread is given numbers, and what they stand for is read where an error can be kept.
        streamed = isinstance(dataset, IterableDataset)
        of_numbers = {} if streamed else {"collate_fn": self._read}
        super().__init__(dataset if streamed else range(len(dataset)), return_list=True, **of_numbers, **options)

    def __iter__(self) -> Iterator[list]:
        self._error = None
        yield from super().__iter__()
        if self._error is not None:
            raise self._error

    def _read(self, places: Sequence[int]) -> list:
        try:
            return default_collate_fn([self._items[place] for place in places])
        except BaseException as error:
            self._error = error
            raise StopIteration from error  # by which the thread ends as after the last batch


def batches(dataset: Dataset, batch_size: int, seed: int = 0, epoch: int = 0) -> DataLoader:
    """Batches of equal size in an order that depends on the seed and the epoch alone, shared equally by all processes.

    `batch_size` is that of all processes together; a smaller data set is one batch, and a small last batch, bad for
    BatchNorm, is left out. Paddle's sampler takes one number for its order, which is made of the two here, and repeats
    some images where the processes do not divide their number.

    Raises:
        Unusable: a batch cannot be shared equally, or would be empty.
        ValueError: a number is too small, or no whole number.
    """
    count, processes = len(dataset), world_size()
    batch_size, seed, epoch = whole("batch_size", batch_size, 1), whole("seed", seed, 0), whole("epoch", epoch, 0)
    if not count:
        raise Unusable("the data set is empty, there is nothing to train on")
    size = min(batch_size, count)
    if size % processes:
        small = "" if batch_size <= count else f", all that there are for a batch size of {batch_size},"
        raise Unusable(
            f"a batch of {size} images{small} cannot be shared equally by {processes} processes; "
            f"choose a batch size that is a multiple of {processes} and at most {count}, or fewer processes"
        )
    sampler = DistributedBatchSampler(dataset, size // processes, processes, rank(), shuffle=True, drop_last=True)
    sampler.set_epoch(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
    return Loader(dataset, batch_sampler=sampler)


def mean(value: float) -> float:
    """The mean of a number over all processes."""
    if world_size() == 1:
        return value
    wait_for_all()
    total = paddle.to_tensor([value], "float64")
    dist.all_reduce(total)
    return total.item() / world_size()


def batch_norms(network: nn.Layer) -> tuple[list[nn.Layer], list[nn.Layer]]:
    """The BatchNorm layers of a network: those that gather statistics in training, and the frozen ones.

    Frozen is a layer with use_global_stats=True, and one in evaluation mode where other layers are in training mode. Of
    a network that is in evaluation mode as a whole, the modes tell nothing. `nn.BatchNorm`, Paddle's oldest layer, and
    SyncBatchNorm are among them.
    """
    layers = network.sublayers(include_self=True)
    in_training = any(layer.training for layer in layers)
    gathering: list[nn.Layer] = []
    frozen: list[nn.Layer] = []
    for layer in layers:
        if isinstance(layer, (nn.BatchNorm, nn.layer.norm._BatchNormBase)):  # neither is a subclass of the other
            keeps = layer._use_global_stats is True or (in_training and not layer.training)
            (frozen if keeps else gathering).append(layer)
    return gathering, frozen


def average_statistics(network: nn.Layer) -> None:
    """Give all processes the mean of their moving means and variances, which each has gathered from its own images.

    Statistics of frozen BatchNorm layers (`batch_norms`) are left as they are; buffers of other layers are averaged.
    """
    if world_size() == 1:
        return
    # In Paddle, BatchNorm's moving statistics are parameters that are not trained; other layers have buffers.
    statistics = [value for layer in batch_norms(network)[0] for value in (layer._mean, layer._variance)]
    wait_for_all()
    for value in statistics + network.buffers():
        dist.all_reduce(value)
        value.set_value(value / world_size())

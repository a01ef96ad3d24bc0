"""The classic course recipe for the same task, what `python -m helpers.commands.benchmark` compares ours with.

ResNet-50 at 224 px, batches of 10, Momentum with a learning rate of 0.001, five epochs, no augmentation: the recipe of
PaddlePaddle's awesome-DeepLearning course, chapter 3.
"""
from __future__ import annotations

import time

from helpers import runtime
from helpers.fundus import photographs
from helpers.fundus.dataset import FundusDataset
from helpers.fundus.images import scaled
from helpers.fundus.photographs import FundusSet
from helpers.training import inference, metrics, parallel

import numpy as np
import paddle

SIZE, EPOCHS, BATCH_SIZE = 224, 5, 10


def train(data: FundusSet, batches: int | None = None, seed: int = 0) -> tuple[float, int, metrics.Report | None]:
    """Train on all official training images and measure on the official validation images.

    Args:
        data: of 224 pixels.
        batches: stop after so many and give the time that five epochs would take; None: train to the end.
        seed: of the weights and the order.

    Returns:
        the seconds of training, the images trained on in them, the test figures (None where it was cut short).
    """
    parts = photographs.split(data, 0, seed)
    dataset = FundusDataset(parts.train, transform=scaled)
    runtime.seed(seed)
    model = paddle.vision.models.resnet50(num_classes=2)
    optimizer = paddle.optimizer.Momentum(0.001, parameters=model.parameters())
    seconds, steps = [], EPOCHS * len(parallel.batches(dataset, BATCH_SIZE))
    for epoch in range(EPOCHS):
        start = time.perf_counter()
        for x, y in parallel.batches(dataset, BATCH_SIZE, seed, epoch):
            loss = paddle.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            loss.item()  # waits for the device
            now = time.perf_counter()
            seconds.append(now - start)
            start = now
            if len(seconds) == batches:
                warm = seconds[min(2, len(seconds) - 1) :]  # the first batches also set things up
                return float(np.mean(warm)) * steps, steps * BATCH_SIZE, None
    test = FundusDataset(parts.test, transform=scaled)
    return sum(seconds), steps * BATCH_SIZE, metrics.report(parts.test.labels, inference.predict(model, test))

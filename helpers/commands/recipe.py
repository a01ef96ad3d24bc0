"""The recipe of the eye-disease classifier, in one place: network, size, epochs, rates, and the weights to start from.

Chosen by cross-validation on the real training images alone (`helpers.commands.cross_validation`).
"""
from __future__ import annotations

from typing import Any

from helpers import ROOT
from helpers.training import resnet

from paddle import nn

SIZE = 128  # pixels
NETWORK, ARGUMENTS = "resnet10", {"width": 16, "stem": "small-kernel"}
EPOCHS = 12
RATES = {True: 2e-3, False: 4e-3}  # the highest learning rate: of a pretrained network, and from scratch
EXTRA = {True: 0, False: 400}  # rendered images on top of all training images, in each epoch others; for the same two
SHIPPED = ROOT / "helpers" / "models" / "rendered_eyes.npz"  # made by helpers.commands.pretrain


def network(norm: resnet.Norm = nn.BatchNorm2D, **more: Any) -> resnet.ResNet:
    """The recipe's network with random weights; takes further arguments of `resnet.ResNet`."""
    return resnet.resnet10(norm=norm, **ARGUMENTS, **more)

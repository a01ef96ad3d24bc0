"""What the tests of a data set share: a machine with nothing on it, and a small data set."""
from __future__ import annotations

from pathlib import Path

from helpers.fundus import photographs, sources
from helpers.fundus.photographs import FundusSet
from tests.tools import palm_builder as build

import cv2
import numpy as np
import pytest


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A machine with nothing on it: an empty home folder, an empty project, no PALM_DIR."""
    home, project = tmp_path / "home", tmp_path / "project"
    for folder in (home, project / "data"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(sources, "ROOT", project)
    monkeypatch.setattr(photographs, "ROOT", project)
    monkeypatch.delenv("PALM_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(machine) -> Path:
    """An unpacked data set."""
    return build.write(machine / "set", build.unpacked())


@pytest.fixture(scope="session")
def data() -> FundusSet:
    """60 training and 20 validation images of 64 px with three groups of duplicates; not to be changed."""
    names = [f"H{i:04d}" for i in range(10)] + [f"N{i:04d}" for i in range(20)] + [f"P{i:04d}" for i in range(30)]
    names += [f"V{i:04d}" for i in range(20)]
    files = [build.picture(seed, 224) for seed in range(80)]
    files[5], files[7] = build.saved_again(files[4]), build.saved_again(files[4], 1.5)  # within training
    files[70], files[71] = files[40], build.saved_again(files[40], 0.5, 60)  # P0010 is in validation, twice
    files[79] = build.saved_again(files[78])  # within validation
    pictures = np.stack([cv2.resize(file, (64, 64), interpolation=cv2.INTER_AREA) for file in files])
    pictures.flags.writeable = False
    labels = np.array([int(name[0] == "P") for name in names[:60]] + [0, 1] * 10)
    return FundusSet(pictures, labels, tuple(names), np.array(["training"] * 60 + ["validation"] * 20))

"""Builds small data sets in the layouts of the real one, for the tests."""
from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import openpyxl

COUNTS = {"H": 3, "N": 8, "P": 10}
TRAINING = [f"{letter}{number:04d}" for letter, count in COUNTS.items() for number in range(1, count + 1)]
HEADER = ("ID", "imgName", "Label", "Fovea_X", "Fovea_Y")
VALIDATION = {f"V{number:04d}": number % 2 for number in range(1, 9)}
EXPECTED = {  # the part and the label of every image
    **{name: ("training", int(name[0] == "P")) for name in TRAINING},
    **{name: ("validation", label) for name, label in VALIDATION.items()},
}


def picture(seed: int, size: int = 48) -> np.ndarray:
    """uint8 [size, size, 3]: a bright disc on black, with a random pattern in it."""
    rng = np.random.default_rng(seed)
    pattern = cv2.resize(rng.integers(40, 255, (6, 6, 3), dtype=np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    mask = np.zeros((size, size), np.uint8)
    cv2.circle(mask, (size // 2, size // 2), size // 2 - 2, 255, -1)
    return cv2.bitwise_and(pattern, pattern, mask=mask)


def encode(image: np.ndarray, suffix: str = ".jpg", quality: int = 95) -> bytes:
    """The bytes of an image file; `image` is RGB, grey or RGBA, as OpenCV can write it in that format."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    return cv2.imencode(suffix, image, options)[1].tobytes()


def saved_again(image: np.ndarray, scale: float = 0.8, quality: int = 30) -> np.ndarray:
    """The same photograph (RGB) at another size and in a worse quality."""
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    data = np.frombuffer(encode(image, quality=quality), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def jpeg(name: str) -> bytes:
    return encode(picture(sum(map(ord, name)) * 7919 + int(name[1:])))


def xlsx(labels: Mapping[str, object], header: tuple[str, ...] = HEADER) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(header)
    for number, (name, label) in enumerate(labels.items(), start=1):
        book.active.append((number, f"{name}.jpg", label, 1157.74, 1019.87)[: len(header)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def csv(labels: Mapping[str, object], newline: str = "\n") -> str:
    rows = [",".join(HEADER)]
    rows += [f"{number},{name}.jpg,{label},1.0,2.0" for number, (name, label) in enumerate(labels.items(), start=1)]
    return newline.join(rows) + newline


def packed(files: Mapping[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    """The bytes of a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return file.getvalue()


def with_byte(data: bytes, position: int, value: int) -> bytes:
    return data[:position] + bytes([value]) + data[position + 1 :]


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def files(folder: Path) -> list[str]:
    """The paths of all files below a folder, from there."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def training(prefix: str = "PALM-Training400/") -> dict[str, bytes]:
    return {f"{prefix}{name}.jpg": jpeg(name) for name in TRAINING}


def validation(prefix: str = "PALM-Validation400/") -> dict[str, bytes]:
    return {f"{prefix}{name}.jpg": jpeg(name) for name in VALIDATION}


def unpacked() -> dict[str, bytes | str]:
    """What people end up with: two folders and labels.csv."""
    return {**training(), **validation(), "labels.csv": csv(VALIDATION)}


def official() -> dict[str, bytes]:
    """The three official archives; the images are in a zip inside a zip, beside masks of the same names."""
    inside = {
        "PALM-Training400": training(),
        "PALM-Training400-Annotation-Lession": {f"Lesion_Masks/Atrophy/{name}.bmp": b"no image" for name in TRAINING},
    }
    return {
        "training.zip": packed({f"PALM-Training400/{name}.zip": packed(images) for name, images in inside.items()}),
        "validation.zip": packed(validation()),
        "valid_gt.zip": packed({"PALM-Validation-GT/PM_Label_and_Fovea_Location.xlsx": xlsx(VALIDATION)}),
    }


def release(testing_labels: bool = True) -> dict[str, bytes]:
    """The open re-release: three parts, each with a sheet, and masks of the same names as the images."""
    header = ("ID", "imgName", "Label")
    testing = {name.replace("V", "T"): label for name, label in VALIDATION.items()}
    files = {
        **training("PALM/Training/Images/"),
        **validation("PALM/Validation/Images/"),
        **{f"PALM/Testing/Images/{name}.jpg": jpeg(name) for name in testing},
        **{f"PALM/Training/Lesion Masks/Atrophy/{name}.png": b"no image" for name in TRAINING},
        **{f"PALM/Validation/Disc Masks/{name}.png": b"no image" for name in VALIDATION},
        "PALM/Training/Classification Labels.xlsx": xlsx({name: int(name[0] == "P") for name in TRAINING}, header),
        "PALM/Validation/Classification Labels.xlsx": xlsx(VALIDATION, header),
        "PALM/Validation/Fovea Localization.xlsx": xlsx(VALIDATION, ("ID", "imgName", "Fovea_X", "Fovea_Y")),
    }
    if testing_labels:
        files["PALM/Testing/Classification Labels.xlsx"] = xlsx(testing, header)
    return files

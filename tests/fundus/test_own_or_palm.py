"""fundus.sources.is_palm: what lies beside photographs of one's own makes no iChallenge-PM of them."""
from helpers.fundus import photographs, sources
from helpers.fundus.errors import ArchiveError, DataError
from tests.tools import palm_builder as build
from tests.tools.palm_builder import encode, picture, write

import pytest

FOLDERS = {f"{name}/{i}.jpg": encode(picture(seed * 10 + i, 48))
           for seed, name in enumerate(("healthy", "glaucoma")) for i in range(6)}  # fmt: skip
FLAT = {name.replace("/", ""): data for name, data in FOLDERS.items()}
OWN = {"folders": FOLDERS, "a sheet": {**FLAT, "a.csv": "name,label\n" + "".join(f"{n},{n[0]}\n" for n in FLAT)}}
ARCHIVES = {
    "damaged": build.packed({"a.txt": "a" * 1000})[:-30], "no archive": b"x",
    "of something else": build.packed({"a": ""}),
    "a sheet of labels": build.packed({"labels.csv": "name,label\na,b\n", "healthy/0.jpg": b""}),
    "photographs called P1": build.packed({"healthy/P1.jpg": b"", "glaucoma/P2.jpg": b""}),
    "an archive in it": build.packed({"healthy.zip": build.packed({"0.jpg": b""})}),
}  # fmt: skip


OWN["names like P1"] = {f"P{i}.jpg": data for i, data in enumerate(FLAT.values())}
OWN["names like P1"]["labels.csv"] = "name,label\n" + "".join(f"P{i}.jpg,{i // 6}\n" for i in range(12))


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_archive_beside_photographs_of_ones_own_stops_nothing(machine, own, archive):
    folder = write(machine / "p", {**OWN[own], "backup.zip": ARCHIVES[archive]})
    data = photographs.read(folder, 24, progress=False)
    assert data.own and len(data) == 12
    assert "left out: 1 file of other kinds" in data.origin


@pytest.mark.parametrize("more", [{}, {"preview.png": encode(picture(1), ".png")}])
def test_the_data_sets_archives_count_whatever_lies_beside_them(machine, more):
    folder = write(machine / "p", {**build.official(), **more})
    assert sources.is_palm(folder)
    (folder / "validation.zip").write_bytes(build.official()["validation.zip"][:-100])
    (folder / "training.zip").unlink()
    with pytest.raises(ArchiveError, match=r"validation\.zip is truncated"):
        photographs.read(folder, 24, progress=False)


def test_names_like_those_of_the_data_set_with_a_sheet_of_ones_own(machine):
    names = [f"{letter}{i}.jpg" for letter in "NV" for i in range(1, 7)]
    files = {name: encode(picture(seed, 48)) for seed, name in enumerate(names)}
    rows = "".join(f"{name},{('sick', 'well')[i % 2]}\n" for i, name in enumerate(names))
    folder = write(machine / "p", {**files, "labels.csv": f"name,label\n{rows}"})
    data = photographs.read(folder, 24, progress=False)
    assert data.own and set(data.classes) == {"sick", "well"}
    write(folder, {"labels.csv": f"photo no,grade\n{rows}"})
    with pytest.raises(DataError, match=r"labels\.csv has no column imgName and no column Label"):
        photographs.read(folder, 24, progress=False)


def test_a_sheet_of_the_data_set_without_a_column_is_still_its_own(machine):
    rows = build.csv(build.VALIDATION).replace("imgName", "file")
    with pytest.raises(DataError, match=r"labels\.csv has no column imgName"):
        photographs.read(write(machine / "p", {**build.unpacked(), "labels.csv": rows}), 24, progress=False)

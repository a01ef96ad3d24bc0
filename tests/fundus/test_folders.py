"""fundus.folders: what systems put beside photographs is no photograph; a folder for each patient is not too many."""
from helpers.fundus import labelled, photographs, sources
from helpers.fundus.errors import DataError
from helpers.fundus.folders import walk
from tests.tools.palm_builder import encode, picture, write

import pytest

PHOTOS = {f"{name}/{i}.jpg": encode(picture(seed * 10 + i, 48))
          for seed, name in enumerate(("healthy", "glaucoma")) for i in range(6)}  # fmt: skip
THUMBNAIL = encode(picture(99, 48))


@pytest.mark.parametrize("name", ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "#recycle", ".Trash"])
def test_what_a_system_puts_into_folders_is_no_class_and_no_photograph(machine, name):
    more = {f"{name}/a.jpg": THUMBNAIL, f"healthy/{name}/0.jpg/SYNOPHOTO_THUMB.jpg": THUMBNAIL}
    listed = labelled.samples(write(machine / "p", {**PHOTOS, **more}))
    assert (listed.classes, listed.origin) == (("healthy", "glaucoma"), "a folder for each class")
    assert sorted(listed.names) == sorted(PHOTOS)
    below = labelled.samples(write(machine / "q", {f"in/{each}": data for each, data in PHOTOS.items()} | {
        f"{name}/a.jpg": THUMBNAIL}))  # fmt: skip
    assert sorted(below.names) == sorted(PHOTOS), "it does not hide that there is one folder"


def test_photographs_of_ones_own_may_lie_in_many_folders(machine, monkeypatch):
    monkeypatch.setattr(sources, "MAX_FOLDERS", 5)
    names = {name.replace("/", f"/patient {i}/"): data for i, (name, data) in enumerate(PHOTOS.items())}
    data = photographs.read(write(machine / "p", names), 24, progress=False)
    assert len(data) == len(PHOTOS)


def test_a_disk_is_too_much(machine):
    folder = write(machine / "disk", {f"{number}/a.txt": "" for number in range(10)})
    assert len(list(walk(folder))) == 10
    with pytest.raises(DataError, match=r"disk holds more than 5 folders\. Name the folder of the data set"):
        list(walk(folder, most=5))

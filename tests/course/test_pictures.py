"""The pictures of the README: the command draws all that it shows, small enough, and the two editions show the same."""
import re

from helpers import ROOT
from tests.tools import editions, pictures

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return folder, pictures.draw(folder)


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_the_readme_shows_what_the_command_draws(drawn, language):
    text = (ROOT / editions.page("README.md", language)).read_text(encoding="utf-8")
    shown = re.findall(r'(?:src|srcset)="docs/pictures/([^"]+)"', text)
    assert sorted(shown) == sorted(drawn[1]) == sorted(path.name for path in pictures.FOLDER.iterdir())


def test_pictures_are_small_and_dark_ones_are_dark(drawn):
    folder, sizes = drawn
    assert sum(sizes.values()) < 200_000
    assert sum(path.stat().st_size for path in pictures.FOLDER.iterdir()) < 200_000
    for theme, corner in (("light", (255, 255, 255)), ("dark", (13, 17, 23))):
        for place in (folder, pictures.FOLDER):
            assert Image.open(place / f"course-{theme}.png").convert("RGB").getpixel((2, 2)) == corner


def test_its_network_is_right_about_the_eye_that_is_shown():
    _, evidence, probability = pictures.judged_eye()
    assert pictures.EYE == "P" and probability > 0.5 and evidence.max() > 0

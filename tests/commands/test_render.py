"""`python -m helpers.commands.render`: it renders what it is asked for, and says in a sentence what it cannot."""
import json
import re

from helpers.commands import render

import pytest


def test_the_command_renders_and_names_the_folder(tmp_path, capsys):
    folder = tmp_path / "set"
    render.main([str(folder), "--count", "6", "--size", "32", "--seed", "5"])
    assert capsys.readouterr().out == f"{folder}\n"
    settings = json.loads((folder / "RENDERED.json").read_text())["settings"]
    assert (settings["training"], settings["validation"], settings["size"], settings["seed"]) == (4, 2, 32, 5)
    assert len(list(folder.rglob("*.jpg"))) == 6


@pytest.mark.parametrize(("arguments", "said"), [
    (["{folder}/set", "--size", "8"], "--size must be at least 32, not 8"),
    (["{folder}/set", "--count", "0"], "--count must be at least 3, not 0"),
    (["{folder}/set", "--count", "1000001"], "--count must be at most 1000000, not 1000001"),
    (["{folder}/set", "--seed", "-1"], "--seed must be at least 0, not -1"),
    (["{folder}/palm"], "FileExistsError: .*palm holds what was not rendered"),
])  # fmt: skip
def test_the_command_says_in_a_sentence_what_is_wrong(tmp_path, capsys, arguments, said):
    photograph = tmp_path / "palm" / "P0001.jpg"
    photograph.parent.mkdir()
    photograph.write_bytes(b"precious")
    with pytest.raises(SystemExit) as ended:
        render.main([argument.format(folder=tmp_path) for argument in arguments])
    assert re.search(said, f"{ended.value.code} {capsys.readouterr().err}")
    assert photograph.read_bytes() == b"precious"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == [photograph]

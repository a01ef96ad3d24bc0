"""commands.limits: what no command takes."""
import importlib
import sys

import pytest

COMMANDS = {
    "predict": [], "train": ["--data"], "export": ["--output"], "cross_validation": ["--data"], "render": [],
    "explanations": ["--data"], "learning_curve": ["--data"], "reliability": ["--data"], "sim_to_real": ["--data"],
    "pretrain": ["--output"], "benchmark": [], "upload": [], "grade": ["--roster", "a.csv"],
    "variants": ["--roster", "a.csv", "--secret-file"],
}  # fmt: skip


@pytest.mark.parametrize("empty", ["", " ", "--output="])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_variable_that_is_not_set_leaves_is_no_folder(command, empty, monkeypatch, capsys):
    """Path("") is the folder that one is in: all photographs in it were judged, and all results were written there."""
    given = [*COMMANDS[command], empty]
    main = importlib.import_module(f"helpers.commands.{command}").main
    monkeypatch.setattr(sys, "argv", [command, *given])
    for way in (given, None):
        with pytest.raises(SystemExit) as end:
            main(way)
        assert end.value.code == 2
        assert "an argument is empty: a variable of the shell may not be set" in capsys.readouterr().err

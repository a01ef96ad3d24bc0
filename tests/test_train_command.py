"""`python -m helpers.train`: it trains, measures and writes; it survives what stops it; its errors are sentences."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from helpers import checkpoint, train
from helpers.runtime import ROOT

import numpy as np
import pytest


def start(folder, *more, epochs=40, extra=0, validation=0.2):
    command = ["--rendered", 60, "--epochs", epochs, "--extra", extra, "--validation", validation, "--batch-size", 16]
    return subprocess.Popen(
        [sys.executable, "-m", "helpers.train", *map(str, command), "--output", str(folder), *more],
        cwd=ROOT, env={**os.environ, "PALM_DIR": "rendered"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(process):
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def until(process, beginning):
    """Read lines up to the one that begins so."""
    for line in process.stdout:
        if re.match(beginning, line):
            return
    pytest.fail(f"the output has no line that begins with {beginning}")


def arrays(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(folder, output, seconds of training) of a run that nothing has stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder)
    until(process, "FundusSet")
    begin = time.monotonic()
    code, output = finish(process)
    assert code == 0, output
    return folder, output, time.monotonic() - begin


def test_it_ends_with_a_table_and_leaves_metrics_and_weights(undisturbed):
    folder, output, _ = undisturbed
    figures = [line.split()[0] for line in output.splitlines()[-5:]]
    assert figures == ["accuracy", "AUC", "sensitivity", "specificity", "threshold"]
    assert re.search(r"^AUC +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]$", output, re.MULTILINE)
    assert len(re.findall(r"^epoch \d+/40: loss", output, re.MULTILINE)) == 40
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, 41))
    assert (folder / "weights.npz").is_file()


def test_without_a_validation_part_it_trains_on_all_images_and_on_rendered_ones_besides(tmp_path):
    code, output = finish(start(tmp_path, epochs=2, extra=12, validation=0))
    assert code == 0, output
    assert "40 to train, 0 to validate, 20 to test" in output
    assert "in each epoch 12 of 36 rendered images besides" in output
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [set(row) for row in rows] == [{"epoch", "loss", "learning_rate"}] * 2
    one, other = arrays(tmp_path / "weights.npz"), arrays(tmp_path / "checkpoint-0002.npz")
    for name in one:  # the last epoch's
        np.testing.assert_array_equal(one[name], other[f"model/{name}"])


def test_killed_at_twenty_random_moments_it_ends_with_the_very_same_weights(undisturbed, tmp_path):
    reference, _, seconds = undisturbed
    rng = np.random.default_rng()  # other moments in every run of this test
    kills, folders = 0, [tmp_path / "0"]
    while True:
        process = start(folders[-1], "--resume")
        if kills < 20:
            until(process, "FundusSet")
            time.sleep(rng.uniform(0, seconds / 12))
            if process.poll() is None:
                process.kill()
                kills += 1
                process.communicate()
                continue
        code, output = finish(process)
        assert code == 0, output
        if kills == 20:
            break
        folders.append(tmp_path / str(len(folders)))  # it was through before the twentieth: once more
    for folder in folders:
        assert (folder / "metrics.jsonl").read_bytes() == (reference / "metrics.jsonl").read_bytes()
        for name in ("checkpoint-0040.npz", "weights.npz"):
            one, other = arrays(folder / name), arrays(reference / name)
            assert one.keys() == other.keys()
            for key in one:
                np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_ctrl_c_or_a_scheduler_it_says_how_to_go_on(tmp_path, number):
    process = start(tmp_path, epochs=100)
    until(process, "epoch 2/100")
    process.send_signal(number)
    code, output = finish(process)
    assert code == 130
    assert re.search(r"stopped; .*checkpoint-\d+\.npz is whole, the same command with --resume goes on", output)
    assert "Traceback" not in output
    assert checkpoint.files(tmp_path) and not list(tmp_path.glob("*.part"))


def test_a_training_is_not_written_over(undisturbed):
    folder = undisturbed[0]
    code, output = finish(start(folder))
    assert code == 1
    assert output.strip().endswith(f"there are checkpoints in {folder}: resume that training, or choose another folder")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--data", "no-such-folder"], "no-such-folder"),
        (["--rendered", "5"], "--rendered must be at least 6"),
        (["--seed", "4294967296"], "--seed"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "-1"], "--batch-size"),
        (["--norm", "sync", "--device", "cpu"], "SyncBatchNorm needs GPUs"),
        (["--device", "gpu"], "no GPU"),
        (["--data", "x", "--rendered", "6"], "not allowed with"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path, capsys, monkeypatch, given, message):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as caught:
        train.main([*given, "--output", str(tmp_path)])
    assert caught.value.code not in (0, None)
    assert message in str(caught.value.code) + capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    text = capsys.readouterr().out
    for name in ("data", "rendered", "epochs", "seed", "output", "resume", "device", "batch-size", "norm", "benchmark"):
        assert f"--{name}" in text

"""`python -m helpers.commands.train`: it trains, measures and writes; survives what stops it; errors are sentences."""
import re
import signal
import time
import warnings

from helpers import ROOT, runtime
from helpers.commands import recipe, train
from helpers.files import read_arrays
from helpers.fundus import photographs
from helpers.fundus.dataset import FundusDataset
from helpers.training import checkpoint, inference, model_file
from helpers.training import metrics as metrics_of
from tests.tools.small_training import assert_same_weights
from tests.tools.train_command import finish, metrics, start, until

import numpy as np
import pytest

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(folder, output, seconds of training) of a run that nothing has stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder)
    until(process, "FundusSet")
    begin = time.monotonic()
    return folder, finish(process), time.monotonic() - begin


def test_it_ends_with_a_table_and_leaves_metrics_and_weights(undisturbed):
    folder, output, _ = undisturbed
    figures = [line.split()[0] for line in output.splitlines()[-5:]]
    assert figures == ["accuracy", "AUC", "sensitivity", "specificity", "threshold"]
    assert re.search(r"^AUC +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]$", output, re.MULTILINE)
    assert len(re.findall(r"^epoch \d+/40: loss", output, re.MULTILINE)) == 40
    assert [row["epoch"] for row in metrics(folder)] == list(range(1, 41))
    assert (folder / "weights.npz").is_file()


def test_the_model_file_holds_the_same_weights_and_says_what_was_measured(undisturbed):
    folder, output, _ = undisturbed
    model, about = model_file.load(folder / "model.npz")
    for name, value in read_arrays(folder / "weights.npz").items():
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), value)
    assert f"AUC          {about.card['auc']}" in output and f"threshold    {about.threshold:.3f}" in output
    assert len(about.fingerprint) == 64 and "not a medical device" in about.card["intended use"]


def test_the_held_back_images_settle_temperature_and_threshold(undisturbed):
    folder, output, _ = undisturbed
    about = model_file.load(folder / "model.npz")[1]
    assert about.temperature != 1
    assert f"calibration: temperature {about.temperature:.3f}, fitted on 8 images held back from training" in output
    for name in ("calibration", "threshold chosen for", "negative log-likelihood before", "calibration error before"):
        assert f"{name}: {about.card[name]}" in output


def test_a_wanted_sensitivity_sets_the_threshold(tmp_path):
    output = finish(start(tmp_path, "--sensitivity", "1", epochs=2))
    assert "threshold chosen for: a sensitivity of 1 on the 4 of them that are of class 1; on other images" in output
    model, about = model_file.load(tmp_path / "model.npz")
    data = photographs.read(ROOT / "data" / "rendered-60-0", recipe.SIZE)
    held = photographs.split(data, 0.2, 0).validation
    scores = inference.predict(model, FundusDataset(held), flip=True, temperature=about.temperature)
    assert about.threshold == metrics_of.threshold_for(held.labels, scores, 1)


def test_without_a_validation_part_it_trains_on_all_images_and_on_rendered_ones_besides(tmp_path):
    output = finish(start(tmp_path, epochs=2, extra=12, validation=0))
    assert "40 to train, 0 to validate, 20 to test" in output
    assert "in each epoch 12 of 36 rendered images besides" in output
    assert [set(row) for row in metrics(tmp_path)] == [{"epoch", "loss", "learning_rate"}] * 2
    last = read_arrays(tmp_path / "checkpoint-0002.npz")
    for name, value in read_arrays(tmp_path / "weights.npz").items():
        np.testing.assert_array_equal(value, last[f"model/{name}"])


def test_it_starts_from_the_shipped_weights_or_from_none_or_from_a_model(tmp_path):
    shipped, about = model_file.load(recipe.SHIPPED)
    assert_same_weights(train.beginning("rendered"), shipped)
    runtime.seed(0)
    one = train.beginning("none")
    runtime.seed(0)
    assert_same_weights(one, recipe.network())
    model_file.save(tmp_path / "own.npz", one, about)
    assert_same_weights(train.beginning(str(tmp_path / "own.npz")), one)
    three = train.beginning("rendered", classes=("a", "b", "c"))  # all but the last layer
    assert three.fc.weight.shape[1] == 3
    assert_same_weights(three.stages, shipped.stages)
    assert train.arguments([]).init == "rendered" and train.arguments(["--norm", "group"]).init == "none"


def test_what_it_cannot_start_from_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        train.beginning(str(tmp_path / "none.npz"))
    with pytest.raises(model_file.ModelFileError, match=r"rendered_eyes\.npz has the normalisation 'batch', .* --norm"):
        train.beginning("rendered", train.NORMS["group"])
    assert train.beginning("rendered", train.NORMS["sync"])
    for changes, said in (
        ({"normalisation": "scaled"}, r"m\.npz has seen images prepared by 'scaled', and this training .* 'normalise'"),
        ({"arguments": {"width": 4}}, r"m\.npz is another network than the recipe's, which is resnet10 with \{'width'"),
    ):
        about = model_file.About("resnet10", **{"size": recipe.SIZE, "arguments": recipe.ARGUMENTS, **changes})
        model_file.save(tmp_path / "m.npz", about.build(), about)
        with pytest.raises(model_file.ModelFileError, match=said):
            train.beginning(str(tmp_path / "m.npz"))


def test_that_the_beginning_has_seen_images_of_another_size_is_said(monkeypatch):
    monkeypatch.setattr(recipe, "SIZE", 2 * recipe.SIZE)
    with pytest.warns(UserWarning, match=rf"has seen images of \d+ px, and these are of {recipe.SIZE} px"):
        train.beginning("rendered")


def test_a_training_is_not_written_over(undisturbed):
    folder = undisturbed[0]
    output = finish(start(folder), expected=1)
    assert output.strip().endswith(f"there are checkpoints in {folder}: resume that training, or choose another folder")


# --- what stops it ----------------------------------------------------------------------------------------------------


@pytest.mark.all
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
        finish(process)
        if kills == 20:
            break
        folders.append(tmp_path / str(len(folders)))  # it was through before the twentieth: once more
    for folder in folders:
        assert (folder / "metrics.jsonl").read_bytes() == (reference / "metrics.jsonl").read_bytes()
        for name in ("checkpoint-0040.npz", "weights.npz"):
            assert_same_weights(read_arrays(folder / name), read_arrays(reference / name))


@pytest.mark.parametrize("number", SIGNALS)
def test_stopped_by_ctrl_c_or_a_scheduler_it_says_how_to_go_on(tmp_path, number):
    process = start(tmp_path, epochs=100)
    until(process, "epoch 2/100")
    process.send_signal(number)
    output = finish(process, expected=130)
    assert re.search(r"stopped; .*checkpoint-\d+\.npz is whole, the same command with --resume goes on", output)
    assert "Traceback" not in output
    assert checkpoint.files(tmp_path) and not list(tmp_path.glob("*.part"))


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--data", "no-such-folder"], "no-such-folder"),
        (["--rendered", "5"], "--rendered must be at least 6"),
        (["--seed", "4294967296"], "--seed must be at least 0 and below 2^32"),
        (["--epochs", "0"], "--epochs must be at least 1"),
        (["--batch-size", "-1"], "--batch-size must be at least 1"),
        (["--validation", "1"], "--validation must be at least 0 and below 1"),
        (["--norm", "sync", "--device", "cpu"], "--norm sync needs a GPU"),
        (["--amp"], "--amp needs a GPU"),
        (["--device", "gpu"], "Paddle sees no GPU here"),
        (["--data", "x", "--rendered", "6"], "not allowed with"),
        (["--rendered", "1000001"], "--rendered must be at most 1000000, not 1000001"),
        (["--extra", "333334"], "--extra must be at most 333333, not 333334"),
        (["--sensitivity", "1.5", "--validation", "0.2"], "--sensitivity must be above 0 and at most 1, not 1.5"),
        (["--init", "nope"], "--init nope: there is no such file. Choose rendered, none, or a model.npz"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path, capsys, monkeypatch, given, message):
    monkeypatch.setattr(runtime, "device", lambda: "cpu")
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # the command sets its own
    with pytest.raises(SystemExit) as caught:
        train.main([*given, "--output", str(tmp_path)])
    assert caught.value.code not in (0, None)
    assert message in str(caught.value.code) + capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    options = "data rendered output resume init epochs batch-size extra validation seed norm device amp"
    assert set(options.split()) <= set(re.findall(r"--([a-z-]+)", capsys.readouterr().out))

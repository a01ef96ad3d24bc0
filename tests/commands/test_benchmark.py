"""helpers.commands.benchmark: the tables come out, their ratios are of what was measured, a failure is named."""
import re
import signal
import sys
from itertools import count
from types import SimpleNamespace

from helpers import runtime
from helpers.commands import benchmark, classic, measurements
from helpers.fundus import photographs
from helpers.fundus.errors import DataNotFound
from helpers.fundus.render import render
from tests.tools.processes import python

import numpy as np
import pytest


def numbers(line):
    return [float(number) for number in re.findall(r"\d+\.?\d*", line.replace(",", ""))]


@pytest.mark.all
def test_a_quick_run_prints_every_table_what_it_does_and_where_it_ran():
    done = python("-m", "helpers.commands.benchmark", "--quick", PALM_DIR="rendered")
    assert done.returncode == 0, done.stderr
    progress, recipe, seeds, reader, growth, tuning, rendering, last = (
        {line.split("  ")[0]: line for line in part.splitlines()} for part in done.stdout.split("\n\n")
    )
    assert any(line.startswith("... growth: 48 images, reading") for line in progress)
    assert next(iter(recipe)).startswith("Time to accuracy on rendered images")
    assert "not measured" in recipe["classic"] and 0 <= numbers(recipe["ours"])[3] <= 1
    assert numbers(recipe["classic / ours"])[0] < 0.5
    assert "* extrapolated from 2 batches; --full trains all five epochs" in recipe
    assert next(iter(seeds)).startswith("Both sides: 2 seeds of our recipe on rendered images")
    for name in ("pretrained, four ways round", "pretrained, other side", "from scratch, as they are"):
        assert all(0 <= number <= 1 for number in numbers(seeds[name])) and len(numbers(seeds[name])) == 10
    assert len(numbers(reader["classic"])) == len(numbers(reader["ours"])) == 4
    assert "* two epochs measured: first + 3 x second" in reader
    assert len(numbers(growth["24"])) == len(numbers(growth["48"])) == 8
    assert all(numbers(tuning[name])[0] > 0 for name in ("as installed", "tuned", "tuned / as installed"))
    assert numbers(rendering["32 px"])[1] > 0
    assert all(word in " ".join(last) for word in ("Paddle", "cores", "memory: "))


# --- the tables -------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch):
    """Measurements that measure nothing and give these figures."""

    def measured(measurement, as_installed=False, **settings):
        images = 100 if "rendered-100" in settings.get("folder", "") else 6400
        tested = {} if settings.get("batches") else {"accuracy": "0.90", "auc": "0.95"}
        return {
            "classic_recipe": {
                "speed": 1.0 if as_installed else 3.0, "settings": "A=2", "seconds": 600.0, "memory": 1500.0, **tested,
            },
            "our_recipe": {"speed": 150.0, "seconds": 50.0, "rendering": 10.0, "memory": 300.0, **tested},
            "classic_reader": {"seconds": [30.0, 20.0], "memory": 300.0, "more": 30.0},
            "our_reader": {"seconds": [15.0, *[0.5] * 19], "memory": 200.0, "more": 10.0},
            "growth": {"read": 0.01 * images, "split": 0.0, "epoch": 1.0, "memory": 200 + images / 100, "more": 5.0},
            "rendering_speed": {"speed": 1000 / settings.get("size", 1)},
        }[measurement.__name__]

    monkeypatch.setattr(benchmark, "measured", measured)
    monkeypatch.setattr(measurements, "make_photographs", lambda *_: 500.0)
    monkeypatch.setattr(benchmark, "render", lambda folder, *_, **__: folder)


def test_the_recipes_ratios_with_the_classic_one_cut_short_or_not(fake, tmp_path):
    short, full = (benchmark.recipe_table(tmp_path, quick=False, full=full) for full in (False, True))
    rows, whole = ([" ".join(line.split()) for line in text.splitlines()] for text in (short, full))
    assert rows[2] == "classic 3.0 *600 0 not measured not measured 1500"
    assert rows[5] == "* extrapolated from 12 batches; --full trains all five epochs"
    assert whole[2] == "classic 3.0 600 0 0.90 0.95 1500" and "extrapolated" not in full
    assert rows[3] == whole[3] == "ours 150.0 50 10 0.90 0.95 300"
    assert rows[4] == whole[4] == "classic / ours 0.02 10 5"  # 600 s against 50 s and 10 s of rendering


def test_figures_of_several_seeds_and_what_all_of_them_judge_wrong(monkeypatch, tmp_path):
    labels = np.arange(20) % 2

    def measured(measurement, folder, scratch, init, seed, quick):
        said = labels * 0.8 + 0.1
        said[:3] = 1 - said[:3]  # wrong in each: two of class 0, one of class 1
        said[3 + seed] = 1 - said[3 + seed]
        return {"labels": labels, "scores": np.stack([said, labels * 0.8, 1 - labels * 0.8])}

    monkeypatch.setattr(benchmark, "measured", measured)
    monkeypatch.setattr(benchmark, "data_set", lambda quick: ("folder", "the real images"))
    lines = benchmark.seeds_table(tmp_path, quick=False).splitlines()
    assert lines[0] == "Both sides: 5 seeds of our recipe on the real images, figures of the 20 test images"
    rows = {line.split("  ")[0]: numbers(line) for line in lines[2:8]}
    assert rows["pretrained, four ways round"][0] == 0.8 and rows["pretrained, four ways round"][3:5] == [0.8, 0.8]
    assert rows["from scratch, as they are"] == [1.0] * 10 and rows["from scratch, other side"][5] == 0.0
    assert lines[-1].endswith("2 of 10 not pathologic and 1 of 10 pathologic images.")


def test_the_readers_ratios(fake, tmp_path):
    text = benchmark.reader_table(tmp_path, quick=False)
    rows = {line.split("  ")[0]: line.split()[1:] for line in text.splitlines()}
    assert "Reader: 400 JPEG images of 2124 x 2056 to float32 [3, 224, 224]" in text
    assert rows["classic"] == ["30.0", "*410.0", "300", "30"]  # 30 + 19 * 20
    assert rows["ours"] == ["15.0", "24.5", "200", "10"]
    assert rows["classic / ours"][2:] == ["2.00", "16.73", "1.50"]
    assert "first + 19 x second" in text and "500 kB" in text


def test_growths_ratios(fake, tmp_path):
    lines = benchmark.growth_table(tmp_path, quick=False).splitlines()
    assert lines[2].split() == ["100", "1.00", "0.00", "1.00", "2.00", "20.00", "201", "5"]
    assert lines[5].split() == ["6,400", "64.00", "0.00", "1.00", "65.00", "10.16", "264", "5"]
    assert "64 times the images, 32.5 times the seconds, 1.31 times the memory" in lines[6]


def test_the_runtimes_gain_and_the_speeds_of_rendering(fake, tmp_path):
    rows = [" ".join(line.split()) for line in benchmark.runtime_table(tmp_path, quick=False).splitlines()]
    assert rows[2:5] == ["as installed 1.00 A=2", "tuned 3.00 A=2", "tuned / as installed 3.00"]
    rows = [" ".join(line.split()) for line in benchmark.rendering_table(tmp_path, quick=False).splitlines()]
    assert rows[2:] == ["96 px 10", "128 px 8", "224 px 4"]


def test_the_other_tables_come_out_where_one_fails(monkeypatch, capsys):
    def fails(scratch, quick):
        raise OSError("the disk is full")

    monkeypatch.setenv("PALM_DIR", "no-such-folder")
    monkeypatch.setitem(benchmark.TABLES, "reader", fails)
    monkeypatch.setitem(benchmark.TABLES, "growth", lambda scratch, quick: f"a table, {scratch.is_dir()}")
    with pytest.raises(SystemExit) as caught:
        benchmark.main(["--only", "recipe", "reader", "growth"])
    recipe, reader = str(caught.value).splitlines()
    assert recipe.startswith("no table recipe: PALM_DIR is no-such-folder, which is no folder.")
    assert reader == "no table reader: the disk is full"
    assert "a table, True\n" in capsys.readouterr().out


def test_the_tables_that_are_complete_are_said_when_a_signal_stops_the_rest(monkeypatch, capsys):
    monkeypatch.setitem(benchmark.TABLES, "reader", lambda scratch, quick: "a table")
    monkeypatch.setitem(benchmark.TABLES, "growth", lambda scratch, quick: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit, match="130"):
        benchmark.main(["--only", "reader", "growth", "rendering"])
    assert re.search(r"^a table\n(.*\n)+stopped; 1 of 3 tables are complete$", capsys.readouterr().out, re.MULTILINE)


# --- the measurements -------------------------------------------------------------------------------------------------


def test_a_measurement_that_fails_raises_what_it_raised(tmp_path):
    with pytest.raises(DataNotFound, match="nowhere is no folder"):
        measurements.measured(measurements.growth, folder=str(tmp_path / "nowhere"), size=32)


def test_what_this_process_has_chosen_is_not_handed_on_as_the_users_choice(folder, monkeypatch):
    monkeypatch.setattr(runtime, "CHOSEN", {runtime.THREADS: "77"})
    monkeypatch.setenv(runtime.THREADS, "77")
    monkeypatch.setenv(runtime.MKL_TYPE, "4")  # as if by the user
    found = {
        as_installed: measurements.measured(
            measurements.classic_recipe, as_installed, folder=str(folder), batches=1, size=32
        )["settings"]
        for as_installed in (True, False)
    }
    assert found[True] == f"{runtime.MKL_TYPE}=4"
    assert f"{runtime.MKL_TYPE}=4" in found[False] and "77" not in found[False]
    assert runtime.device() == "gpu" or f"{runtime.THREADS}=" in found[False]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """32 training and 16 test images."""
    return render(tmp_path_factory.mktemp("benchmark") / "set", 48, 64, progress=False)


def test_our_images_per_second_are_of_all_batches(folder, tmp_path):
    figures = measurements.our_recipe(str(folder), str(tmp_path), quick=True)
    assert figures["speed"] * figures["seconds"] == pytest.approx(32)  # a batch: 12 of the 44 images are left out


def test_the_classic_recipe_trains_five_epochs_and_tests(folder, monkeypatch):
    monkeypatch.setattr(classic, "time", SimpleNamespace(perf_counter=count().__next__))  # a second for each batch
    seconds, images, report = classic.train(photographs.read(folder, 32, cache=False, progress=False))
    assert (seconds, images) == (5 * 3, 5 * 30)  # batches of 10: 2 of the 32 images are left out
    assert 0 <= report.auc.value <= 1


def test_the_classic_recipe_cut_short_tells_the_time_of_all_batches_after_the_first_two(folder, monkeypatch):
    monkeypatch.setattr(classic, "time", SimpleNamespace(perf_counter=iter([0, 10, 15, 17]).__next__))
    data = photographs.read(folder, 32, cache=False, progress=False)
    assert classic.train(data, batches=3) == (15 * 2, 5 * 30, None)


def test_peak_memory_sees_what_is_gone_afterwards():
    # in a process of its own, where no other test's memory comes or goes
    code = """
import time
from helpers.commands.measurements import PeakMemory
import numpy as np
with PeakMemory() as peak:
    block = np.ones(60 << 17)  # 60 MB
    time.sleep(1)
    del block
print(peak.figures()["more"])
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert 55 < float(done.stdout) < 120


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells them apart")
def test_a_mapped_file_does_not_count(tmp_path):
    np.save(tmp_path / "mapped.npy", np.ones(60 << 17))
    with measurements.PeakMemory() as peak:
        mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
        assert mapped.sum() == 60 << 17
    assert peak.figures()["more"] < 20

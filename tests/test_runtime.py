"""helpers.runtime sets what helps, never over the user's choice, and quiets the known noises only.

Each case needs a process of its own: Paddle reads its settings once, while it loads.
"""
import json
import os
import re
import warnings
from functools import partial

from helpers import runtime
from tests.tools import processes

import numpy as np
import paddle
import pytest
from paddle import nn

python = partial(processes.python, without=(runtime.THREADS, runtime.MKL_TYPE))
SHOW = """
from helpers import runtime
import json, cv2
print(json.dumps([runtime.CHOSEN, runtime.FOUND, runtime.report(), cv2.getNumThreads()]))
"""


def settled(**environment):
    """What a process given these settings has chosen and found, its report, and OpenCV's threads; it says no more."""
    done = python("-c", SHOW, **environment)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_threads_are_chosen_and_opencv_has_none_of_its_own():
    """A fork while one of OpenCV's holds its lock leaves a worker of a DataLoader waiting for ever (1 in 4,000)."""
    chosen, found, report, threads_of_opencv = settled()
    assert threads_of_opencv == 1
    assert 1 <= int(chosen[runtime.THREADS]) <= os.cpu_count()
    assert found == {}
    assert f"OMP_NUM_THREADS={chosen[runtime.THREADS]} (chosen here)" in report
    assert "\n" not in report


def test_the_users_values_win():
    chosen, found, report, _ = settled(OMP_NUM_THREADS="1", MKL_DEBUG_CPU_TYPE="4")
    assert chosen == {}
    assert found == {"OMP_NUM_THREADS": "1", "MKL_DEBUG_CPU_TYPE": "4"}
    assert report.count("(set before)") == 2


def test_paddle_before_the_runtime_is_a_readable_error():
    done = python("-c", "import paddle; import helpers.runtime")
    assert done.returncode == 1
    assert "Unsuitable: helpers.runtime must be imported before paddle" in done.stderr
    assert "Restart the kernel" in done.stderr


def test_other_warnings_are_still_heard():
    done = python(
        "-c",
        "from helpers import runtime; import paddle, warnings, logging\n"
        "paddle.nn.BatchNorm1D(2)(paddle.ones([2, 2]))\n"
        "warnings.warn('mind the gap')\n"
        "logging.getLogger('matplotlib').warning('fonts are missing')\n"
    )
    assert "mind the gap" in done.stderr
    assert "fonts are missing" in done.stderr
    assert "always track" not in done.stderr


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "processor", "expected"),
    [
        ("x86_64", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx avx2 sha_ni\n", "", True),
        ("x86_64", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx sha_ni\n", "", False),
        ("x86_64", "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx avx2 sha_ni\n", "", False),
        ("arm64", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx avx2 sha_ni\n", "", False),
        # Windows has no such file, and names the family.
        ("AMD64", None, "AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", True),
        ("AMD64", None, "AMD64 Family 21 Model 2 Stepping 0, AuthenticAMD", False),
        ("AMD64", None, "Intel64 Family 6 Model 158 Stepping 10, GenuineIntel", False),
    ],
)
def test_mkl_type_only_where_it_helps(monkeypatch, tmp_path, machine, cpuinfo, processor, expected):
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(runtime, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime.platform, "machine", lambda: machine)
    monkeypatch.setattr(runtime.platform, "processor", lambda: processor)
    assert runtime.amd_with_avx2() is expected


def test_nothing_is_set_for_a_gpu(tmp_path):
    (tmp_path / "nvidia-smi").touch(mode=0o755)  # stands for the driver, and the next one for Paddle's GPU build
    (tmp_path / "paddlepaddle_gpu-3.3.1.dist-info").mkdir()
    (tmp_path / "paddlepaddle_gpu-3.3.1.dist-info/METADATA").write_text("Name: paddlepaddle-gpu\nVersion: 3.3.1\n")
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    chosen, found, report, _ = settled(PATH=path, PYTHONPATH=str(tmp_path))
    assert chosen == found == {} and report.endswith("nothing set")


def test_one_seed_for_all():
    def draw():
        runtime.seed(3)
        return np.random.rand(), paddle.rand([1]).item(), runtime.random.random()

    assert draw() == draw()


def test_the_device_is_the_one_paddle_uses():
    assert paddle.get_device().startswith(runtime.device())


@pytest.mark.parametrize(("in_a_notebook", "chosen"), [(True, "['cpu']"), (False, "[]")])
def test_a_notebook_computes_on_the_cpu_until_it_asks_for_a_device(in_a_notebook, chosen, tmp_path):
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle/__init__.py").write_text("__version__ = '3.3.1'\nchosen = []\nset_device = chosen.append\n")
    kernel = "import sys; sys.modules['ipykernel'] = sys; " if in_a_notebook else ""
    code = f"{kernel}from helpers import runtime; import paddle; print(paddle.chosen)"
    done = python("-c", code, PYTHONPATH=str(tmp_path))
    assert done.stdout.strip() == chosen, done.stderr


def test_the_report_names_the_device_in_use_and_chooses_none(monkeypatch):
    assert f"device {runtime.device()}; " in runtime.report()
    monkeypatch.setattr(paddle, "get_device", lambda: "gpu:1")
    monkeypatch.setattr(paddle, "set_device", None)
    assert "device gpu:1; " in runtime.report()


def modes(model):
    return [layer.training for layer in model.sublayers(include_self=True)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("before", [[True, True, False, True], [False, False, False, True]])
def test_every_layer_comes_back_into_its_own_mode_even_after_an_exception(before, training):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1D(2), nn.Dropout(0.5))
    for layer, mode in zip(model.sublayers(include_self=True), before, strict=True):
        layer.training = mode
    with runtime.mode(model, training):
        assert modes(model) == [training] * 4
    assert modes(model) == before
    with pytest.raises(KeyboardInterrupt), runtime.mode(model, training):
        raise KeyboardInterrupt
    assert modes(model) == before


def test_the_command_prints_the_report():
    done = python("-m", "helpers.runtime", OMP_NUM_THREADS="3")
    report = r"Python 3\.\S+, Paddle \S+, NumPy \S+, device \S+; .*OMP_NUM_THREADS=3 \(set before\)\n"
    assert re.fullmatch(report, done.stdout) and done.stderr == ""


def test_quiet_drops_only_paddles_notes(capfd):
    with runtime.quiet(), warnings.catch_warnings(record=True) as heard:
        os.write(2, b"I1122 23:43:24.763301 14443 pir_interpreter.cc:1606] New Executor is Running ...\n")
        os.write(2, b"something else\n")
        warnings.warn("To copy construct from a tensor, it is recommended", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert capfd.readouterr().err == "something else\n"
    assert [str(warning.message) for warning in heard] == ["something else"]


def test_a_seed_of_numpy_is_one():
    draws = []
    for seed in (3, np.int64(3)):
        runtime.seed(seed)
        draws.append((paddle.rand([1]).item(), np.random.rand()))
    assert draws[0] == draws[1]


def test_the_same_random_numbers_come_after_a_block_that_draws_some_and_fails():
    paddle.seed(1)
    expected = paddle.rand([3]).tolist()
    paddle.seed(1)
    with pytest.raises(KeyError), runtime.same_random_numbers():
        nn.Linear(3, 4)
        raise KeyError
    assert paddle.rand([3]).tolist() == expected

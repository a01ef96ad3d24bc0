"""helpers.runtime sets what helps, never over the user's choice, and quiets the known noises only.

Each case needs a process of its own: Paddle reads its settings once, while it loads.
"""
import json
import os
import re
import subprocess
import sys
import warnings

from helpers import runtime

import numpy as np
import paddle
import pytest


def python(code, **environment):
    """Run code in a fresh process without our settings; variables given as None are unset."""
    settings = {name: None for name in (runtime.THREADS, runtime.MKL_TYPE)} | environment
    env = {name: value for name, value in (os.environ | settings).items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], cwd=runtime.ROOT, env=env, capture_output=True, text=True)


SHOW = "from helpers import runtime; import json; print(json.dumps([runtime.CHOSEN, runtime.FOUND, runtime.report()]))"


def test_threads_are_chosen_and_nothing_is_said():
    done = python(SHOW)
    assert done.stderr == ""
    chosen, found, report = json.loads(done.stdout)
    assert 1 <= int(chosen[runtime.THREADS]) <= os.cpu_count()
    assert found == {}
    assert f"OMP_NUM_THREADS={chosen[runtime.THREADS]} (chosen here)" in report
    assert "\n" not in report


def test_the_users_values_win():
    done = python(SHOW, OMP_NUM_THREADS="1", MKL_DEBUG_CPU_TYPE="4")
    chosen, found, report = json.loads(done.stdout)
    assert chosen == {}
    assert found == {"OMP_NUM_THREADS": "1", "MKL_DEBUG_CPU_TYPE": "4"}
    assert report.count("(set before)") == 2


def test_paddle_before_the_runtime_is_a_readable_error():
    done = python("import paddle; import helpers.runtime")
    assert done.returncode == 1
    assert "Unsuitable: helpers.runtime must be imported before paddle" in done.stderr
    assert "Restart the kernel" in done.stderr


def test_other_warnings_are_still_heard():
    done = python(
        "from helpers import runtime; import paddle, warnings, logging\n"
        "paddle.nn.BatchNorm1D(2)(paddle.ones([2, 2]))\n"
        "warnings.warn('mind the gap')\n"
        "logging.getLogger('matplotlib').warning('fonts are missing')\n"
    )
    assert "mind the gap" in done.stderr
    assert "fonts are missing" in done.stderr
    assert "always track" not in done.stderr


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx avx2 sha_ni\n", True),
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx sha_ni\n", False),
        ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx avx2 sha_ni\n", False),
    ],
)
def test_mkl_type_only_where_it_helps(monkeypatch, tmp_path, cpuinfo, expected):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(runtime, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime.platform, "machine", lambda: "x86_64")
    assert runtime._amd_with_avx2() is expected
    monkeypatch.setattr(runtime.platform, "machine", lambda: "arm64")
    assert runtime._amd_with_avx2() is False


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", True),
        ("AMD64 Family 21 Model 2 Stepping 0, AuthenticAMD", False),
        ("Intel64 Family 6 Model 158 Stepping 10, GenuineIntel", False),
    ],
)
def test_windows_names_the_family(monkeypatch, tmp_path, processor, expected):
    monkeypatch.setattr(runtime, "CPUINFO", tmp_path / "missing")
    monkeypatch.setattr(runtime.platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(runtime.platform, "processor", lambda: processor)
    assert runtime._amd_with_avx2() is expected


def test_nothing_is_set_for_a_gpu(monkeypatch):
    monkeypatch.setattr(runtime, "_gpu_at_hand", lambda: True)
    monkeypatch.delenv(runtime.THREADS)
    assert runtime._tune() == {}
    assert runtime.THREADS not in os.environ


def test_one_seed_for_all():
    def draw():
        runtime.seed(3)
        return np.random.rand(), paddle.rand([1]).item(), runtime.random.random()

    assert draw() == draw()


def test_the_device_is_the_one_paddle_uses():
    assert paddle.get_device().startswith(runtime.device())


def test_the_report_names_the_device_in_use_and_chooses_none(monkeypatch):
    assert f"device {runtime.device()}; " in runtime.report()
    monkeypatch.setattr(paddle, "get_device", lambda: "gpu:1")
    monkeypatch.setattr(paddle, "set_device", None)
    assert "device gpu:1; " in runtime.report()


@pytest.mark.parametrize("name", ["--batches", "--pixels"])
def test_a_benchmark_of_nothing(monkeypatch, capsys, name):
    monkeypatch.setattr(sys, "argv", ["runtime", "--measure", "--batches", "1", "--pixels", "32", name, "0"])
    with pytest.raises(SystemExit):
        runtime.main()
    assert f"error: {name} must be at least 1, not 0" in capsys.readouterr().err


def test_quiet_drops_only_paddles_notes(capfd):
    with runtime.quiet(), warnings.catch_warnings(record=True) as heard:
        os.write(2, b"I1122 23:43:24.763301 14443 pir_interpreter.cc:1606] New Executor is Running ...\n")
        os.write(2, b"something else\n")
        warnings.warn("To copy construct from a tensor, it is recommended", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert capfd.readouterr().err == "something else\n"
    assert [str(warning.message) for warning in heard] == ["something else"]


def test_benchmark_prints_both_speeds_and_their_ratio():
    done = subprocess.run(
        [sys.executable, "-m", "helpers.runtime", "--benchmark", "--batches", "1", "--pixels", "32"],
        cwd=runtime.ROOT, capture_output=True, text=True, check=True,
        env={name: value for name, value in os.environ.items() if name not in runtime.CHOSEN},
    )
    slow, fast = map(float, re.findall(r"(\d+\.\d+) images/s", done.stdout))
    ratio = float(re.search(r"ratio +(\d+\.\d+)", done.stdout)[1])
    assert ratio == pytest.approx(fast / slow, abs=0.02 + 0.02 * ratio)

"""``spectra-chat doctor``: what it says of a sound installation, and of a library that dies as it is loaded."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spectra_local.llama import processor
from spectra_local.locations import cache_dir

DOCTOR = [sys.executable, "-P", "-m", "tui", "doctor"]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DOCTOR, *options], capture_output=True, text=True, timeout=120)


@pytest.mark.model
def test_it_shows_the_kernels_and_the_cost_curve_with_its_age(smollm2_path: Path) -> None:
    done = run("-m", str(smollm2_path), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report["problems"]
    assert processor.name() in report["kernels"]["processor"]
    assert report["decode"]["kernels"] in report["kernels"]["in use"]
    assert report["decode"]["cost of a pass"].startswith("1: 1.00, 2: ")
    assert "trusted" in report["decode"]["its age"] or "doubted" in report["decode"]["its age"]


@pytest.mark.model
def test_a_doubted_curve_is_called_that_and_its_age_is_told(smollm2_path: Path) -> None:
    shutil.rmtree(cache_dir() / "speculation", ignore_errors=True)  # what other tests measured
    run("-m", str(smollm2_path))
    (file,) = cache_dir().glob("speculation/*/cost-*")
    content = json.loads(file.read_text())
    content["belief"]["trusted"] = False
    content["time"] -= 3 * 86_400 + 5
    file.write_text(json.dumps(content))
    age = json.loads(run("-m", str(smollm2_path), "--json").stdout)["decode"]["its age"]
    assert age == "3 days, doubted: it is learned from the next answers"


def test_a_library_that_is_missing_is_a_problem_with_the_command_that_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    done = run()
    assert done.returncode == 1
    assert "problem: native: llama-cpp-python cannot be loaded" in done.stderr
    assert "--no-binary llama-cpp-python" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="needs a C compiler")
def test_a_library_that_dies_as_it_is_loaded_does_not_take_doctor_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "dies.c"
    source.write_text("__attribute__((constructor)) static void die(void) { __builtin_trap(); }\n")
    for name in ("libllama.so", "libggml.so"):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(tmp_path / name), str(source)], check=True)
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    done = run()
    assert done.returncode == 1
    assert "problem: native: llama-cpp-python ends by SIGILL; build it again: " in done.stderr
    assert "kernels" in done.stdout, "the rest is told all the same"

"""The ladder of kernels, the library's files and the processor, without native code."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spectra_local.errors import UsageError
from spectra_local.llama import kernels, library, processor
from spectra_local.llama.kernels import FASTEST, PLAIN_WEIGHTS, SAFEST, WITHOUT_AMX
from spectra_local.locations import cache_dir

CASES = Path(__file__).parents[3] / "shared" / "cases"
XEON = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8481C
flags\t\t: fpu sse2 pni avx2 avx512f amx_bf16 amx_tile amx_int8

processor\t: 1
vendor_id\t: GenuineIntel
"""


@pytest.fixture
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.VARIABLE, raising=False)


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which the system describes its processors."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", path)
    processor.fields_of_cpuinfo.cache_clear()
    yield path
    processor.fields_of_cpuinfo.cache_clear()


def steps() -> list[str]:
    names, step = [FASTEST.name], kernels.below(FASTEST)
    while step:
        names.append(step.name)
        step = kernels.below(step)
    return names


def test_amx_is_a_step_where_the_processor_has_it(cpuinfo: Path) -> None:
    cpuinfo.write_text(XEON)
    assert processor.has_amx()
    assert processor.name() == "Intel(R) Xeon(R) Platinum 8481C"
    assert steps() == ["fastest", "without-amx", "plain-weights", "safest"]
    assert library.better_build().startswith('CXXFLAGS="-fno-tree-dse -fno-dse" pip install')


def test_elsewhere_it_is_none(cpuinfo: Path) -> None:
    cpuinfo.write_text(XEON.replace("amx_", "avx_"))
    assert steps() == ["fastest", "plain-weights", "safest"]
    assert library.better_build().startswith("pip install")


def test_a_system_that_describes_no_processor_has_a_ladder_too(cpuinfo: Path) -> None:
    assert processor.instructions() == frozenset()
    assert processor.name()
    assert steps() == ["fastest", "plain-weights", "safest"]
    assert library.lacking("CPU : AVX512 = 1 | ", processor.instructions()) == []


def test_a_build_for_another_processor_is_told_by_what_it_needs() -> None:
    build = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 1 | AMX_INT8 = 1 | LLAMAFILE = 1 | F16C = 0 | REPACK = 1 | "
    assert library.lacking(build, {"pni", "avx2"}) == ["AVX512"]
    assert library.lacking(build, {"pni", "avx2", "avx512f"}) == []
    assert library.lacking("", {"pni"}) == []


def test_another_processor_or_build_begins_at_the_top(
    cpuinfo: Path, no_variable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo.write_text(XEON)
    assert kernels.remember(WITHOUT_AMX, "SIGSEGV")
    assert kernels.current() == WITHOUT_AMX
    with monkeypatch.context() as patch:
        patch.setattr(library, "fingerprint", lambda: "another build")
        assert kernels.current() == FASTEST
    monkeypatch.setattr(processor, "identity", lambda: "another processor")
    assert not kernels.is_settled()


def test_a_step_left_in_the_middle_of_good_work_is_tried_again_after_a_week(
    no_variable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGFPE", doubted=True)
    assert kernels.current() == PLAIN_WEIGHTS
    assert "SIGFPE" in kernels.why()
    later = time.time() + 8 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert kernels.current() == FASTEST


def test_one_that_never_worked_is_not(no_variable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGFPE")
    later = time.time() + 900 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert kernels.current() == PLAIN_WEIGHTS


def test_the_variable_counts_before_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGSEGV")
    monkeypatch.setenv(kernels.VARIABLE, "safest")
    assert kernels.current() == SAFEST
    monkeypatch.setenv(kernels.VARIABLE, "SAFEST")
    assert kernels.current() == SAFEST


def test_a_variable_that_names_no_kernels_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "nonsense")
    with pytest.raises(UsageError, match="SPECTRA_KERNELS is 'nonsense'; it can be one of fastest, without-amx"):
        kernels.current()


def test_a_memory_from_the_future_is_not_believed(no_variable: None) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGSEGV")
    (path,) = (cache_dir() / "kernels").iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "time": time.time() + 10 * 86_400}))
    assert kernels.current() == FASTEST


def test_a_damaged_memory_says_nothing_at_a_terminal() -> None:
    code = (
        "from spectra_local.llama import kernels\nfrom spectra_local.llama.kernels import PLAIN_WEIGHTS\n"
        "kernels.remember(PLAIN_WEIGHTS)\nkernels._file().write_bytes(b'\\xf8')\nprint(kernels.current().name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != kernels.VARIABLE}
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, env=environment)
    assert (shown.stdout, shown.stderr) == ("fastest\n", "")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"step": "x"}',
        '{"step": "safest", "crash": "\\u001b[2J", "doubted": 0, "time": 1e400}',
        "[" * 9999,
    ],
)
def test_a_damaged_memory_starts_from_the_top_or_is_read_safely(no_variable: None, content: str) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGSEGV")
    (path,) = (cache_dir() / "kernels").iterdir()
    path.write_text(content)
    assert kernels.current() == FASTEST
    assert "\x1b" not in kernels.why()


def test_the_memory_is_a_few_plain_facts(no_variable: None) -> None:
    kernels.remember(PLAIN_WEIGHTS, "SIGSEGV")
    (path,) = (cache_dir() / "kernels").iterdir()
    kept = json.loads(path.read_text())
    assert (kept["step"], kept["crash"], kept["doubted"]) == ("plain-weights", "SIGSEGV", False)
    assert path.stat().st_mode & 0o077 == 0


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="AMX is granted by Linux")


@linux
def test_amx_is_refused_by_a_signal_stack_smaller_than_its_frame() -> None:
    code = (
        "import ctypes\nfrom spectra_local.llama import kernels\n"
        "assert kernels.refuse_amx()\n"
        "now = (ctypes.c_size_t * 3)()\n"  # address, flags, size
        "ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))\n"
        "print(now[2], now[1] & 0xFFFFFFFF)"
    )
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    assert (shown.stdout.split(), shown.stderr) == (["8192", "0"], "")


@linux
def test_with_that_stack_the_system_grants_no_amx() -> None:
    """On a processor without AMX it never does; on one with AMX this is the whole point."""
    code = (
        "import ctypes\nfrom spectra_local.llama import kernels\nlibc = ctypes.CDLL(None)\n"
        "ask = lambda: libc.syscall(158, 0x1023, 18)\n"  # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)
        "kernels.refuse_amx()\nprint(ask())"
    )
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    assert shown.stdout.split() == ["-1"]


@linux
@pytest.mark.model
@pytest.mark.skipif(not CASES.exists(), reason="the case is not at hand: ../shared/cases")
def test_the_answer_is_the_same_where_amx_is_refused_from_outside(
    smollm2_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "noamx.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(CASES / "noamx.c"), "-ldl"], check=True)
    monkeypatch.setenv(kernels.VARIABLE, WITHOUT_AMX.name)
    command = [
        sys.executable,
        "-P",
        "-m",
        "tui",
        "ask",
        "-n",
        "24",
        "--plain",
        "-m",
        str(smollm2_path),
        "Count to ten.",
    ]
    answers = []
    for preload in ("", str(shim)):
        monkeypatch.setenv("LD_PRELOAD", preload)
        answers.append(subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL))
    assert answers[0].stdout == answers[1].stdout != ""


def test_the_library_is_known_without_loading_it() -> None:
    code = (
        "import sys\nfrom spectra_local.llama import kernels, library, processor\n"
        "assert len(library.fingerprint()) == 16 and library.release()\nkernels.current()\n"
        "assert not {'llama_cpp', 'numpy'} & set(sys.modules), 'native code was loaded'"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""

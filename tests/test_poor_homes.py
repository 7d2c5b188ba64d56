"""Homes that lack something: no folder at all, no locks, no modes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spectra_local import locations
from spectra_local.catalogue.on_disk import find_all
from spectra_local.chats.attachments import attach_mentioned
from spectra_local.completion.learning import LearningRules

ROOT = Path(__file__).parents[1]
NO_ACCOUNT = "import pwd\ndef unknown(uid):\n    raise KeyError(uid)\npwd.getpwuid = unknown\n"
HINT = "set SPECTRA_HOME to a folder"


def chat(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tui", *arguments],
        capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, cwd=cwd,
        env={"PATH": os.environ["PATH"], "SPECTRA_KERNELS": os.environ.get("SPECTRA_KERNELS", ""), **variables},
    )  # fmt: skip


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, str]:
    """The variables of a user whom the system does not know."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(NO_ACCOUNT)
    return {"PYTHONPATH": f"{hook}{os.pathsep}{ROOT}"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty folder to stand in: nothing may be left there."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.mark.model
def test_a_user_whom_nobody_knows_is_answered_in_a_folder_that_is_named(
    nobody: dict[str, str], here: Path, spectra_home: Path, smollm2_path: Path
) -> None:
    known = nobody | {"SPECTRA_HOME": str(spectra_home)}
    done = chat("ask", "-m", str(smollm2_path), "--ctx", "256", "-n", "4", "hi", cwd=here, **known)
    assert (done.returncode, done.stderr) == (0, "")
    for command in (["models", "list"], ["doctor", "-m", str(smollm2_path)], ["history", "stats"]):
        done = chat(*command, cwd=here, **known)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "somewhere"}, {"SPECTRA_HOME": "~/chat"}])
def test_without_any_home_one_line_asks_for_one(home: dict[str, str], nobody: dict[str, str], here: Path) -> None:
    for command in (["ask", "hi"], ["history", "stats"]):
        done = chat(*command, cwd=here, **nobody, **home)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1 and HINT in line
    if not home:
        for command in (["models", "list"], ["corpus", "list"], ["complete", __file__], ["doctor"], ["lsp"], ["bench"]):
            done = chat(*command, cwd=here, **nobody)
            assert done.returncode == 1 and HINT in done.stderr and "Traceback" not in done.stderr, done
        for command in (["--version"], ["--help"]):
            assert chat(*command, cwd=here, **nobody).returncode == 0
    assert list(here.iterdir()) == []


def test_what_names_a_home_that_nobody_knows_is_a_name_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert locations.home_folders("a", "b") == []
    assert attach_mentioned("look at @~/notes.txt") == ()
    assert LearningRules(not_from=("~/private",)).allow(Path("/tmp/x"))
    find_all()


@pytest.fixture(scope="session")
def poor_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a poor disk is made by Linux's LD_PRELOAD and a C compiler")
    source = Path(__file__).parent / "fakes" / "native" / "poor_folder.c"
    library = tmp_path_factory.mktemp("native") / "poor_folder.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.fixture
def poor(poor_folder: Path, spectra_home: Path) -> dict[str, str]:
    return {"LD_PRELOAD": str(poor_folder), "SPECTRA_HOME": str(spectra_home), "PYTHONPATH": str(ROOT), "HOME": "/tmp"}


@pytest.mark.model
def test_without_locks_it_answers_and_says_once_why_nothing_is_learned(
    poor: dict[str, str], here: Path, smollm2_path: Path
) -> None:
    poor["NO_LOCKS"] = "1"
    done = chat("ask", "-m", str(smollm2_path), "--ctx", "256", "-n", "4", "hi", cwd=here, **poor)
    assert done.returncode == 0 and done.stdout.strip()
    (line,) = done.stderr.splitlines()
    assert "not learned" in line and "no file in its folder can be locked" in line
    done = chat("history", "stats", cwd=here, **poor)
    assert done.returncode == 1 and "can be locked" in done.stderr


@pytest.mark.model
def test_without_modes_all_works_with_one_warning(poor: dict[str, str], here: Path, smollm2_path: Path) -> None:
    poor["NO_MODES"] = "1"
    for _ in range(2):
        done = chat("ask", "-m", str(smollm2_path), "--ctx", "256", "-n", "4", "hi", cwd=here, **poor)
        assert done.returncode == 0 and done.stdout.strip()
        (line,) = done.stderr.splitlines()
        assert "takes no file modes" in line
    stats = chat("history", "stats", cwd=here, **poor)
    assert stats.returncode == 0 and "4 tokens" in stats.stdout.replace("8 tokens", "4 tokens"), "it was learned"
    file = here / "notes.py"
    file.write_text("def add(a, b):\n    return a + b\n")
    done = chat("edit", str(file), "--in-place", "-m", str(smollm2_path), "--ctx", "512", "say sum", cwd=here, **poor)
    assert "Operation not permitted" not in done.stderr

"""What is published: the same to the byte when built twice, with what belongs in it and nothing else."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = {
    "spectra_local/bench/prompts.jsonl",
    "spectra_local/speculation/priors.json",
    "spectra_local/py.typed",
    "tui/py.typed",
}
# What lies about in a folder where people work, and must stay there.
STRAY = ["spectra_local/.env", "spectra_local/notes.txt", "spectra_local/core.1234", "tui/model.gguf",
         "tui/__pycache__/app.cpython-311.pyc", "tests/secrets.sqlite", "tests/.hypothesis/x", "spectra.sqlite",
         ".git/config", "venv/bin/python", "spectra_local/history/migrations/0001_turns.sql.orig"]  # fmt: skip
TOP = ("spectra_local", "tui", "tests", "requirements")
FILES = ("pyproject.toml", "models.toml", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore")


def copied(target: Path, *, stray: bool, mode: int) -> Path:
    """The project as a checkout has it, with other times, modes and a little dirt."""
    for name in TOP:
        shutil.copytree(ROOT / name, target / name, copy_function=shutil.copy,
                        ignore=shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis"))  # fmt: skip
    for name in FILES:
        shutil.copy(ROOT / name, target / name)
    for n, path in enumerate(sorted(target.rglob("*"))):
        os.utime(path, (1e9 + n, 1e9 + n * mode))
        if path.is_file() and not os.access(path, os.X_OK):
            path.chmod(mode)
    for name in STRAY if stray else ():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("not to be published")
    return target


def built(project: Path) -> list[Path]:
    """The sdist and the wheel."""
    subprocess.run(
        [sys.executable, "-P", "-m", "hatchling", "build", "-d", project / "out"],
        cwd=project, check=True, capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    return sorted((project / "out").iterdir(), key=lambda path: path.suffix)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """The sdist and the wheel, from two checkouts that differ in everything but their contents."""
    first = copied(tmp_path_factory.mktemp("first"), stray=False, mode=0o644)
    second = copied(tmp_path_factory.mktemp("second"), stray=True, mode=0o600)
    return [built(first), built(second)]


def sources(folder: str, *patterns: str) -> set[str]:
    return {
        str(path.relative_to(ROOT)) for pattern in patterns for path in (ROOT / folder).rglob(pattern)
        if not {"__pycache__", ".hypothesis"} & set(path.parts)
    }  # fmt: skip


def test_built_twice_they_are_the_same_to_the_byte(packages: list[list[Path]]) -> None:
    (sdist, wheel), again = packages
    assert [path.name for path in again] == [sdist.name, wheel.name]
    assert sdist.name.endswith(".tar.gz")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert [path.read_bytes() for path in again] == [sdist.read_bytes(), wheel.read_bytes()]


def test_the_wheel_has_the_program_and_nothing_else(packages: list[list[Path]]) -> None:
    with zipfile.ZipFile(packages[1][1]) as wheel:
        names = set(wheel.namelist())
    about = {name for name in names if re.match(r"spectra_chat-[^/]+\.dist-info/", name)}
    assert {name.split("/", 1)[1] for name in about} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"
    }  # fmt: skip
    program = sources("spectra_local", "*.py", "*.sql") | sources("tui", "*.py") | DATA
    assert names - about == program | {"spectra_local/catalogue/models.toml"}


def test_the_sdist_has_what_builds_and_tests_it_and_nothing_else(packages: list[list[Path]]) -> None:
    with tarfile.open(packages[1][0]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    allowed = ("*.py", "*.sql", "*.md", "*.toml", "*.txt", "*.jinja", "*.c", "*.json", "*.jsonl", "*/py.typed",
               "LICENSE", "PKG-INFO", ".gitignore", "requirements/lock")  # fmt: skip
    assert not {name for name in names if not any(fnmatch(name, pattern) for pattern in allowed)}
    assert not {name for name in names if name in STRAY}
    expected = sources("spectra_local", "*.py", "*.sql") | sources("tui", "*.py") | sources("tests", "*.py", "*.c")
    assert expected | DATA | {"models.toml", "pyproject.toml", "LICENSE", "requirements/development.txt"} <= names


def test_from_the_sdist_comes_the_same_wheel(packages: list[list[Path]], tmp_path: Path) -> None:
    sdist, wheel = packages[0]
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    again = [path for path in built(project) if path.suffix == ".whl"]
    assert again[0].read_bytes() == wheel.read_bytes()


def test_the_locks_hold_all_that_is_asked_for_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["lint"]]
    text = (ROOT / "requirements" / "development.txt").read_text("utf-8")
    for each in asked:
        name = re.match(r"[\w-]+", each)[0].replace("_", "-").lower()  # type: ignore[index]
        assert re.search(rf"^{name}==", text, re.M), name
    blocks = re.split(r"\n(?=[a-z])", text)[1:]
    assert len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks)

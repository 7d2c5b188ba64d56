"""One model's share of the store, where the store cannot be had at once."""

import sqlite3
from contextlib import closing

import numpy as np

from spectra_local.history import personal
from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.history.savings import Saved
from spectra_local.history.turn import TOKEN, Turn
from spectra_local.locations import database_file, private_dir


def test_a_file_that_another_program_converts_is_opened_once_that_is_done(monkeypatch):
    monkeypatch.setattr(personal, "OPEN_WITHIN_S", 0.05)
    private_dir(database_file().parent)
    with closing(sqlite3.connect(database_file(), isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")  # the schema is not there yet, and nobody else can make it
        history = PersonalHistory("f" * 64, 256)
        assert (history.indexes, history.take_notice(), history.opened()) == ([], "", False)
        history.record(
            Exchange("chat-1", "chat", "a", [1], reused=0, answer="b", answered=[2]), Saved(answers=1)
        )  # goes nowhere, quietly
        other.execute("ROLLBACK")
    assert history.opened()
    assert not history.opened()  # it is
    history.record(Exchange("chat-1", "chat", "a", [1, 2], reused=0, answer="b", answered=[3]), Saved(answers=1))
    assert [turn.tokens.tolist() for turn in history.store.turns()] == [[1, 2], [3]]
    assert history.take_notice() == ""
    history.close()


def test_a_file_that_is_damaged_for_good_is_told_once_and_not_tried_again(monkeypatch):
    database_file().parent.parent.mkdir(parents=True, exist_ok=True)
    database_file().parent.write_text("no folder")
    history = PersonalHistory("f" * 64, 256)
    assert "not learned" in history.take_notice()
    assert not history.opened()
    assert history.indexes == []


def test_what_made_room_is_said(monkeypatch):
    history = PersonalHistory("f" * 64, 256)
    history.store.import_layer(
        "friend", [Turn("c", "user", "f" * 64, "x" * 9000, tokens=np.zeros(9000, TOKEN), ts=2e9)] * 9
    )
    history.store.cap = 300_000
    history.record(Exchange("chat-1", "chat", "a", [1, 2], reused=0, answer="b", answered=[3]), Saved(answers=1))
    notice = history.take_notice()
    assert "of friend" in notice and "your own" not in notice
    assert [turn.text for turn in history.store.turns(layer="own")] == ["a", "b"]
    history.close()

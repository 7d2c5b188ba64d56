import io
import sys

import pytest

from spectra_local.errors import UsageError
from spectra_local.protocol import EngineOptions
from tui.launch import open_chat
from tui.terminal import require_terminal
from tui.themes import DARK, LIGHT, preferred


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_the_chat_says_what_works_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(UsageError, match="spectra-chat ask"):
        require_terminal()


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_move_its_cursor_is_refused(monkeypatch: pytest.MonkeyPatch, term: str):
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", term)
    with pytest.raises(UsageError, match="TERM"):
        require_terminal()


@pytest.mark.parametrize(
    ("background", "theme"), [("", DARK), ("15;0", DARK), ("0;15", LIGHT), ("0;default;7", LIGHT), ("7;8", DARK)]
)
def test_the_theme_follows_the_terminals_background(monkeypatch: pytest.MonkeyPatch, background: str, theme: object):
    monkeypatch.setenv("COLORFGBG", background)
    assert preferred() == theme.name  # type: ignore[attr-defined]


def test_the_editor_in_a_pipe_does_not_speak_of_the_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match="the editor needs a terminal; 'spectra-chat edit' with an instruction works"):
        open_chat(None, EngineOptions(), "main.py")

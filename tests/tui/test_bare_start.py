"""``spectra-chat`` alone starts faster than with options, and opens the same chat."""

import sys
from typing import Any

import pytest

from spectra_local.cli.main import run
from spectra_local.protocol import EngineOptions
from tui import __main__ as program


def opened(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    asked: list[tuple[Any, ...]] = []

    def open_chat(model: str | None, options: EngineOptions, file: str = "", line: int = 1) -> int:
        asked.append((model, options, file, line))
        return 0

    monkeypatch.setattr(program, "open_chat", open_chat)
    monkeypatch.setattr(sys, "argv", ["spectra-chat", *arguments])
    monkeypatch.setattr("tui.start_cache.begin", lambda: None)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert not ended.value.code
    return asked[0]


def test_the_bare_command_opens_what_the_command_line_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = opened([], monkeypatch)
    asked: list[tuple[Any, ...]] = []
    with pytest.raises(SystemExit):
        run(lambda *given, **more: asked.append(given) or 0, [])  # type: ignore[arg-type, func-returns-value]
    assert bare[:2] == asked[0]
    assert bare[1].share, "its engine is met by 'ask' and the others"


def test_an_engine_of_ones_own_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not opened(["--own-engine"], monkeypatch)[1].share

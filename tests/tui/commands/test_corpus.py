"""``/corpus``: what it says at once, and where. Nothing is read here; see test_corpus_work.py."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest
from fakes.chatting import app_with, chat, ready, sees, send
from fakes.pilot import screen_text, wait_until

import tui.corpus_work
from tui.corpus_work import CorpusState


class Unread:
    """A corpus of which nothing has been read yet."""

    begun: ClassVar[list["Unread"]] = []

    def __init__(self, arguments: list[str], is_busy: Callable[[], bool], on_end: Callable[[str], None]) -> None:
        self.state, self.arguments, self.is_busy, self.on_end = CorpusState(), arguments, is_busy, on_end
        self.begun.append(self)

    def stop(self) -> None:
        """Nothing is under way."""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Unread]:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Unread, "begun", [])
    monkeypatch.setattr(tui.corpus_work, "CorpusWork", Unread)
    return Unread.begun


async def test_a_path_that_is_missing_is_told_at_once_and_in_place(begun: list[Unread]) -> None:
    async with app_with().run_test(size=(110, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/corpus missing")
        await sees(pilot, "missing cannot be read: No such file or directory")
        assert not begun


async def test_who_asks_for_another_while_one_is_read_hears_that_it_is_not(tmp_path: Path, begun: list[Unread]) -> None:
    async with app_with().run_test(size=(110, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/corpus docs")
        await sees(pilot, "in the background")
        await send(pilot, "/corpus .")
        await sees(pilot, "so this one is not read yet")
        assert [work.arguments[-1] for work in begun] == [str(tmp_path / "docs")]


async def test_its_last_line_stands_where_hints_stand(begun: list[Unread]) -> None:
    async with app_with().run_test(size=(110, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/corpus docs")
        await sees(pilot, "in the background")
        begun[0].state.ended = "[b]done[/b]"
        await pilot.app.run_worker(lambda: begun[0].on_end("[b]done[/b]"), thread=True).wait()
        await sees(pilot, "[b]done[/b]")
        assert not list(pilot.app.screen.query("Toast"))
        assert chat(pilot).has_class("-hinting") and "[b]done[/b]" in screen_text(pilot)


async def test_a_thread_that_outlives_the_app_hears_that_nothing_is_asked_for(begun: list[Unread]) -> None:
    async with app_with().run_test(size=(110, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/corpus docs")
        await sees(pilot, "in the background")
    with ThreadPoolExecutor(1) as thread:  # which no app is active in
        assert thread.submit(begun[0].is_busy).result() is False


async def test_how_far_it_is_stands_in_the_status_line_until_it_has_ended(begun: list[Unread]) -> None:
    async with app_with().run_test(size=(110, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/corpus docs")
        await sees(pilot, "● corpus docs")
        state = begun[0].state
        state.done, state.total = 120, 1000
        await sees(pilot, "● corpus docs 12%")
        state.ended = "done"
        await wait_until(pilot, lambda: "● corpus docs" not in screen_text(pilot), "it is gone")

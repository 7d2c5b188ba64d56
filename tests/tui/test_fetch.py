"""The first run: what is fetched is shown, then fetched, stopped, tried again."""

from pathlib import Path
from threading import Event

import pytest
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say
from textual.pilot import Pilot

import tui.fetch
from spectra_local.catalogue import DEFAULT_MODEL, ModelNotPulledError
from spectra_local.catalogue.entries import Entry, entries, entry_named
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError
from tui.app import ChatApp
from tui.fetch import FetchState
from tui.screens.chat import ChatScreen
from tui.screens.fetch import FetchScreen, progress

SIZES = [(40, 10), (80, 24), (200, 60)]


class Hub:
    """Stands in for ``pull``: arrives step by step, fails or waits as the test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = False
        self.go_on = Event()
        self.failures: list[Exception] = []
        monkeypatch.setattr(tui.fetch, "pull", self.pull)

    def pull(self, entry: Entry, report: Report, cancelled: Cancelled, notice: object) -> Path:
        report(40_000_000, 98_362_432)
        while not self.go_on.wait(0.005):
            if cancelled():
                raise PullCancelledError(entry.name)
        if self.failures:
            self.go_on.clear()
            raise self.failures.pop()
        self.here = True
        return Path(entry.file)

    def open(self) -> ScriptedAssistant:
        entry = entry_named(DEFAULT_MODEL)
        assert entry is not None
        if not self.here:
            raise ModelNotPulledError(entry)
        return ScriptedAssistant(say("Hello."))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(monkeypatch)


async def offered(pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, FetchScreen), "the offer is shown")


async def sees(pilot: Pilot[None], text: str) -> None:
    await wait_until(pilot, lambda: text in screen_text(pilot), f"{text!r} is on the screen")


@pytest.mark.parametrize("size", SIZES)
async def test_a_newcomer_sees_what_is_fetched_fetches_it_and_chats(hub: Hub, size: tuple[int, int]):
    async with ChatApp(hub.open).run_test(size=size) as pilot:
        await offered(pilot)
        await sees(pilot, DEFAULT_MODEL)
        await sees(pilot, "98 MB")
        await pilot.press("enter")
        await wait_until(pilot, lambda: pilot.app.screen._fetch is not None)
        hub.go_on.set()
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        await pilot.press(*"Hi", "enter")
        await sees(pilot, "Hello.")


async def test_nothing_is_fetched_before_the_user_says_so(hub: Hub):
    async with ChatApp(hub.open).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await sees(pilot, "Apache")
        await sees(pilot, "huggingface.co/")
        assert pilot.app.screen._fetch is None
        await pilot.press("escape")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        await sees(pilot, "is not on this disk yet")


async def test_a_download_can_be_stopped_and_continued(hub: Hub):
    async with ChatApp(hub.open).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await pilot.press("enter")
        await sees(pilot, "41%")
        await pilot.press("escape")
        await sees(pilot, "Stopped.")
        hub.go_on.set()
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        assert hub.here


async def test_a_failed_download_says_why_and_can_be_tried_again(hub: Hub):
    hub.failures.append(DownloadError("the disk is full: 98 MB needed, 12 MB free"))
    hub.go_on.set()
    async with ChatApp(hub.open).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await pilot.press("enter")
        await sees(pilot, "the disk is full")
        await sees(pilot, "Try again")
        await wait_until(pilot, lambda: not pilot.app.screen.query_one("#go").has_class("-active"))
        hub.go_on.set()
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))


async def test_a_licence_that_must_be_accepted_is_named_on_the_button():
    entry = next(entry for entry in entries() if entry.licence.must_accept)
    async with ChatApp(ScriptedAssistant).run_test(size=(80, 24)) as pilot:
        await pilot.app.push_screen(FetchScreen(entry))
        await sees(pilot, "Accept the licence and fetch it")
        await sees(pilot, entry.licence.name)


def test_progress_tells_bytes_rate_and_time_left():
    state = FetchState(done=49_000_000, total=98_000_000, rate=7_000_000)
    assert progress(state, cells=10).plain == "━━━━━───── 50%  49 MB of 98 MB  7.0 MB/s  0:07 left"

"""The first run: what is fetched is shown, then fetched, stopped, tried again."""

from pathlib import Path
from threading import Event

import pytest
from fakes.chatting import composer
from fakes.models import SMOLLM2
from fakes.pages import ChatPage, FetchPage
from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant, say
from textual.pilot import Pilot

import tui.fetch
from spectra_local.catalogue import ModelNotPulledError, NoModelError
from spectra_local.catalogue.entries import Entry, entries, entry_named
from spectra_local.catalogue.offers import Choice, choice_of, offers
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError
from spectra_local.settings import load_settings
from tui.app import ChatApp
from tui.fetch import FetchState
from tui.screens.chat import ChatScreen
from tui.screens.fetch import FetchScreen, progress
from tui.widgets.model_choices import ModelChoices

SIZES = [(40, 10), (80, 24), (200, 60)]


class Hub:
    """Stands in for ``pull``: arrives step by step, fails or waits as the test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here: str | None = None  # the name of what was fetched
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
        self.here = entry.name
        return Path(entry.file)

    def open(self) -> ScriptedAssistant:
        """As with ``-m`` and the name of one that is not on the disk."""
        entry = entry_named(SMOLLM2)
        assert entry is not None
        if not self.here:
            raise ModelNotPulledError(entry)
        return ScriptedAssistant(say("Hello."))

    def open_any(self) -> ScriptedAssistant:
        """As without ``-m`` on a disk without models."""
        if not self.here:
            raise NoModelError("no model is on this disk yet", offers(None))
        return ScriptedAssistant(say("Hello."))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(monkeypatch)


async def offered(pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, FetchScreen), "the offer is shown")
    await wait_until(pilot, lambda: pilot.app.screen.query("#go"))


async def sees(pilot: Pilot[None], text: str) -> None:
    await wait_until(pilot, lambda: text in screen_text(pilot), f"{text!r} is on the screen")


@pytest.mark.parametrize("size", SIZES)
async def test_a_newcomer_sees_what_is_fetched_fetches_it_and_chats(hub: Hub, size: tuple[int, int]):
    async with ChatApp(hub.open).run_test(size=size) as pilot:
        await offered(pilot)
        await sees(pilot, SMOLLM2)
        await sees(pilot, "98 MB, 16 s" if size[0] < 60 else "98 MB   16 s")
        await sees(pilot, "50 Mbit/s")
        await pilot.press("enter")
        await wait_until(pilot, lambda: FetchPage(pilot).is_fetching)
        hub.go_on.set()
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        await pilot.press(*"Hi", "enter")
        await sees(pilot, "Hello.")


async def test_nothing_is_fetched_before_the_user_says_so(hub: Hub):
    async with ChatApp(hub.open).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await sees(pilot, "Apache")
        await sees(pilot, "huggingface.co/")
        assert not FetchPage(pilot).is_fetching
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
        choices = pilot.app.screen.query_one(ModelChoices)
        choices.post_message(  # as it comes late where a fetch fails at once
            ModelChoices.OptionHighlighted(choices, choices.highlighted_option, choices.highlighted)
        )
        await pilot.pause()
        assert "the disk is full" in screen_text(pilot)
        await wait_until(pilot, lambda: not pilot.app.screen.query_one("#go").has_class("-active"))
        hub.go_on.set()
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))


async def test_a_licence_that_must_be_accepted_is_named_on_the_button():
    entry = next(entry for entry in entries() if entry.licence.must_accept)
    async with ChatApp(ScriptedAssistant).run_test(size=(80, 24)) as pilot:
        await pilot.app.push_screen(FetchScreen([choice_of(entry)]))
        await sees(pilot, "Accept the licence and fetch it")
        await sees(pilot, entry.licence.name)
        await sees(pilot, entry.licence.url)


@pytest.mark.parametrize("size", SIZES)
async def test_the_arrows_choose_which_is_fetched_and_the_best_is_marked_at_first(hub: Hub, size: tuple[int, int]):
    hub.go_on.set()
    async with ChatApp(hub.open_any).run_test(size=size) as pilot:
        await offered(pilot)
        assert pilot.app.screen.query_one(ModelChoices).chosen.name == offers(None)[0].name
        await pilot.press("down", "down")
        await sees(pilot, "tiny, to try the program, not to")
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        assert hub.here == offers(None)[-1].name
        await pilot.press(*"Hi", "enter")
        await sees(pilot, "Hello.")
    assert load_settings()[0].model == "", "what is on the disk is found there; the settings name what /model chose"


async def test_while_one_is_fetched_the_keys_change_nothing_and_after_a_stop_another_can_be_chosen(hub: Hub):
    async with ChatApp(hub.open_any).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await pilot.press("enter")
        await sees(pilot, "41%")
        await pilot.press("down", "escape")
        await sees(pilot, "Stopped.")
        await sees(pilot, "Go on")
        assert pilot.app.screen.query_one(ModelChoices).chosen.name == offers(None)[0].name
        await pilot.press("down")
        await sees(pilot, "Fetch it")
        hub.go_on.set()
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
        assert hub.here == offers(None)[1].name


async def test_a_model_of_another_program_is_used_without_fetching_and_is_the_default_from_then_on(
    hub: Hub, tmp_path: Path
):
    theirs = Choice("[b]Theirs\x1b[31m[/]", 800_000_000, "on this disk (ollama)", path=tmp_path / "theirs.gguf")
    used: list[str] = []

    def missing() -> ScriptedAssistant:
        raise NoModelError("no model is chosen yet", (theirs, *offers(None)))

    def named(name: str) -> ScriptedAssistant:
        used.append(name)
        return ScriptedAssistant(say("Hello."))

    async with ChatApp(missing, named).run_test(size=(80, 24)) as pilot:
        await offered(pilot)
        await sees(pilot, "[b]Theirs")
        await sees(pilot, "Nothing is fetched.")
        await pilot.press("enter")
        await pilot.press(*"Hi", "enter")
        await sees(pilot, "Hello.")
    assert used == [str(theirs.path)]
    assert hub.here is None
    assert load_settings()[0].model == str(theirs.path)


def test_progress_tells_bytes_rate_and_time_left():
    state = FetchState(done=49_000_000, total=98_000_000, rate=7_000_000)
    assert progress(state, cells=10).plain == "━━━━━───── 50%  49 MB of 98 MB  7.0 MB/s  0:07 left"


async def test_a_question_asked_without_a_model_is_answered_once_there_is_one(hub: Hub):
    other = ScriptedAssistant(say("From the other one."))
    async with ChatApp(hub.open, lambda _: other).run_test(size=(100, 30)) as pilot:
        await offered(pilot)
        await pilot.press("escape")
        await sees(pilot, "is not on this disk yet")
        await pilot.press(*"Hi", "enter")
        await offered(pilot)
        await pilot.press("escape")
        await sees(pilot, "Your question is answered as soon")
        await pilot.press(*"/model other", "enter")
        await sees(pilot, "From the other one.")
        await wait_until(pilot, lambda: ChatPage(pilot).transcript.failures == 0, "no panel says that there is none")
    assert [request.messages[-1].content for request in other.requests] == ["Hi"]


async def test_a_question_survives_a_download_that_failed_and_escape_takes_it_back(hub: Hub):
    hub.failures.append(DownloadError("the disk is full: 98 MB needed, 12 MB free"))
    hub.go_on.set()
    async with ChatApp(hub.open).run_test(size=(100, 30)) as pilot:
        await offered(pilot)
        await pilot.press("escape")
        await sees(pilot, "is not on this disk yet")
        await pilot.press(*"Hi", "enter")
        await offered(pilot)
        await pilot.press("enter")
        await sees(pilot, "the disk is full")
        await pilot.press("escape")
        await sees(pilot, "Your question is answered as soon")
        await pilot.press("escape")
        await wait_until(pilot, lambda: composer(pilot).text == "Hi")
        hub.go_on.set()
        await pilot.press("enter")
        await offered(pilot)
        await pilot.press("enter")
        await sees(pilot, "Hello.")
        assert ChatPage(pilot).transcript.questions == ["Hi"]

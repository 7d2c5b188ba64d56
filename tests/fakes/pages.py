"""What a person sees of each screen and can do there, for tests: no test needs to know how a screen is made."""

import re
from dataclasses import dataclass

from fakes.chatting import answered, chat, composer
from fakes.pilot import wait_until
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

from tui.screens.fetch import FetchScreen
from tui.widgets.answer import Answer
from tui.widgets.failure_panel import FailurePanel
from tui.widgets.markdown.body import MarkdownBody
from tui.widgets.model_choices import ModelChoices
from tui.widgets.question import Question
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript


@dataclass(frozen=True)
class StatusPage:
    """The line at the bottom of a screen."""

    screen: Screen[object]

    @property
    def text(self) -> str:
        """All that it says, in one line."""
        return str(self.screen.query_one(StatusLine).render())

    @property
    def speed(self) -> float | None:
        """Tokens per second; None where it says none."""
        found = re.search(r"([\d.,]+) tok/s", self.text)
        return float(found[1].replace(",", "")) if found else None


@dataclass(frozen=True)
class TranscriptPage:
    """The conversation above the box."""

    view: Transcript

    @property
    def questions(self) -> list[str]:
        """What was asked, as it is shown."""
        return [str(each.render()) for each in self.view.query(Question)]

    @property
    def bodies(self) -> list[MarkdownBody]:
        """The texts of the answers, as widgets: for their place and size."""
        return [*self.view.query(MarkdownBody)]

    @property
    def notices_of_answers(self) -> list[list[str]]:
        """What stands above each answer, to be known of it."""
        return [[str(each.render()) for each in answer.query(".notice")] for answer in self.view.query(Answer)]

    @property
    def failures(self) -> int:
        """How many panels tell of something that went wrong."""
        return len(self.view.query(FailurePanel))

    @property
    def answer_is_as_tall_as_its_text(self) -> bool:
        """Whether the last answer has all its lines on the view, and no row that it does not use."""
        body = self.bodies[-1]
        return body.size.height == body.line_count

    @property
    def answer_is_laid_out(self) -> bool:
        """Whether the last answer has the rows that it asks for, those that it took ahead too."""
        body = self.bodies[-1]
        return body.size.height == body.get_content_height(body.size, body.size, body.size.width)


@dataclass(frozen=True)
class ChatPage:
    """The chat."""

    pilot: Pilot[None]

    @property
    def transcript(self) -> TranscriptPage:
        """The conversation."""
        return TranscriptPage(chat(self.pilot).query_one(Transcript))

    @property
    def status(self) -> StatusPage:
        """The line at the bottom."""
        return StatusPage(chat(self.pilot))

    @property
    def prompt(self) -> str:
        """What is written in the box and not sent."""
        return composer(self.pilot).message

    @property
    def kept_draft(self) -> str:
        """What a program that ended now would find of the box at its next start."""
        page = chat(self.pilot)
        number = page.state.chat.id
        saved = page.archive.unsaid() if number is None else page.archive.open(number)
        return saved[1] if saved else ""

    async def ask(self, question: str) -> None:
        """Sends it and waits for the whole answer."""
        await answered(self.pilot, question)


@dataclass(frozen=True)
class EditorPage:
    """A file that is edited."""

    pilot: Pilot[None]
    screen: Screen[object]

    @property
    def status(self) -> StatusPage:
        """The line at the bottom."""
        return StatusPage(self.screen)

    async def model_rests(self) -> None:
        """Waits until the model does nothing for the file."""
        await wait_until(self.pilot, lambda: not re.search("suggest|rewrit|waiting", self.status.text))


@dataclass(frozen=True)
class FetchPage:
    """The offer of models at the first start."""

    pilot: Pilot[None]

    @property
    def is_fetching(self) -> bool:
        """Whether a download runs: nothing else can be chosen, and the way out is called so."""
        screen = self.pilot.app.screen
        assert isinstance(screen, FetchScreen)
        return screen.query_one(ModelChoices).disabled and str(screen.query_one("#cancel", Button).label) == "Cancel"

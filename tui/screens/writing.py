"""Help with writing: completions at the cursor, earlier prompts, the user's own editor. Knows nothing of sending."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import SuspendNotSupported
from textual.widgets import TextArea

from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line
from tui.candidates import Candidate
from tui.commands import COMMANDS
from tui.commands.completing import Place, names, place_at, values
from tui.prompt_history import MOST_PROMPTS, PromptHistory
from tui.screens.branching_conversation import BranchingConversationScreen
from tui.widgets.composer import Composer

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen
    from tui.widgets.completions import Completions


class WritingScreen(BranchingConversationScreen):
    """A conversation with a box to write in that lends a hand."""

    _completions: "Completions | None" = None
    _prompts: PromptHistory
    _prompts_read = False  # of earlier sessions
    _place: Place | None = None  # what the open completions are for

    def on_mount(self) -> None:
        """Prompts are remembered."""
        self._prompts = PromptHistory()

    # Completions

    @on(Composer.Changed)
    @on(TextArea.SelectionChanged)
    def _look_for_completions(self) -> None:
        place = place_at(self.query_one(Composer).before_cursor)
        if place == self._place:
            return
        self._place = place
        if place is None:
            self._offer([])
        elif place.command is None:
            self._offer(names(COMMANDS, place.typed))
        else:
            self.run_worker(self._look_up(place), group="completions", exclusive=True)

    async def _look_up(self, place: Place) -> None:
        chat = cast("ChatScreen", self)  # the only one there is
        try:
            found = await asyncio.to_thread(values, COMMANDS, chat, place)
        except SpectraError:  # a store that cannot be read offers nothing; using it says why
            found = []
        if place == self._place:  # the newest wins
            self._offer(found)

    def _offer(self, candidates: list[Candidate]) -> None:
        typed = self._place.typed if self._place else ""
        if len(candidates) == 1 and candidates[0].text == typed:
            candidates = []  # it is there already
        composer = self.query_one(Composer)
        if candidates and self._completions is None:
            from tui.widgets.completions import Completions  # some milliseconds that the first frame can spare

            self._completions = Completions()
            self.mount(self._completions, before=composer)
        if self._completions is not None:
            self._completions.offer(candidates)
        composer.is_completing = bool(candidates)

    def close_completions(self) -> bool:
        """Whether there were any to close."""
        was_open = self.query_one(Composer).is_completing
        self._offer([])
        return was_open

    @on(Composer.Completed)
    def _complete(self, message: Composer.Completed) -> None:
        """Tab takes the marked one. The key that sends does so where one was chosen, or the name makes no command."""
        composer, place, completions = self.query_one(Composer), self._place, self._completions
        candidate = completions.chosen if completions is not None else None
        unfinished = place is not None and place.command is None and COMMANDS.get(place.typed[1:]) is None
        was_moved = completions is not None and completions.was_moved
        if candidate is None or place is None or (message.sending and not (was_moved or unfinished)):
            self._offer([])
            composer.send_text()
            return
        self._offer([])
        composer.complete(place.typed, candidate.text + " " * (candidate.final and place.command == ""))
        if message.sending and candidate.final and place.command is None:
            composer.send_text()

    def on_option_list_option_selected(self) -> None:
        """One was clicked."""
        self._complete(Composer.Completed(sending=False))

    # Earlier prompts

    @on(Composer.Stepped)
    def _step(self, message: Composer.Stepped) -> None:
        composer = self.query_one(Composer)
        if composer.is_completing and self._completions is not None:
            self._completions.move(message.rows)
        elif (prompt := self._history().step(message.rows, composer.message)) is not None:
            composer.show_text(prompt)
            self._place = place_at(composer.before_cursor)  # a recalled command asks for no completion
            self._offer([])

    def _history(self) -> PromptHistory:
        if not self._prompts_read and not self.archive.is_busy:  # busy for half a minute where it is converted
            self._prompts_read = True
            with suppress(SpectraError):  # told where saving fails; the prompts of this session are still there
                self._prompts.begin_with(self.archive.store.prompts(MOST_PROMPTS))
        return self._prompts

    def remember_prompt(self, text: str) -> None:
        """What was sent can be recalled, but for what was said in an incognito chat."""
        if not self.state.chat.incognito:
            self._history().add(text)

    def take_back(self, text: str) -> None:
        """Where another message is being written, the one that was not answered waits among the earlier ones."""
        if self.query_one(Composer).text:
            self._history().add(text)
            self.hint("The message before was not answered; up brings it back.")
        else:
            super().take_back(text)

    # The user's own editor

    def action_external_editor(self) -> None:
        """The text in the user's editor; the app steps aside until it ends."""
        from tui.external_editor import edited

        composer = self.query_one(Composer)
        if self.state.chat.incognito:
            self.hint("An editor writes files: not in an incognito chat.")
            return
        try:
            with self.app.suspend():
                text = edited(composer.message)
        except SuspendNotSupported:
            self.hint("This terminal cannot be handed to an editor.")
        except SpectraError as error:
            self.hint(printable_line(str(error)))
        else:
            composer.show_text(text)

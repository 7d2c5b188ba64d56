"""Branches of a conversation: an earlier message edited and asked anew, another answer to the same message."""

import random

from spectra_local.errors import StoreError
from spectra_local.printable import printable_line
from tui.screens.saved_conversation import SavedConversationScreen
from tui.state import Outcome, Phase
from tui.widgets.composer import Composer
from tui.widgets.question import Question
from tui.widgets.transcript import Transcript
from tui.widgets.turns import turn_widget


class BranchingConversationScreen(SavedConversationScreen):
    """A conversation that can take another course; the one it had stays in the store."""

    async def retry(self) -> None:
        """Another answer to the last message, drawn with a fresh seed instead of greedily."""
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif self.state.model.phase is Phase.DOWN:
            await self._restart()
        elif self._adapter.retry(random.randrange(2**31)):  # noqa: S311 - a seed for drawing words
            transcript = self.query_one(Transcript)
            if transcript.ends_early:
                await transcript.show(self.state.chat.turns[:-1], turn_widget)
            await transcript.remove_after(self.query(Question).last())
            self.save()
            await self._open_answer()
        else:
            self.hint("There is no answer to try again yet.")

    async def continue_answer(self) -> None:
        """The answer that was stopped, cut off or too long goes on where it ended."""
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif not self._adapter.continue_answer():
            self.hint("There is no answer that was stopped or cut off. Ask for more in words.")
        else:
            await self._reopen_answer()
            if self.state.model.phase is Phase.DOWN:
                await self._restart()

    async def _try_again(self) -> None:
        """The model is loaded again, and the answer that it did not end goes on."""
        answer = self.state.chat.last("assistant")
        if answer is not None and answer.outcome is Outcome.CUT and self._adapter.continue_answer():
            await self._reopen_answer()
        await self._restart()

    async def _reopen_answer(self) -> None:
        from tui.widgets.answer import Answer

        transcript = self.query_one(Transcript)
        if transcript.ends_early:
            await transcript.show(self.state.chat.turns, turn_widget)
        self._answer = transcript.query(Answer).last()
        await self._answer.reopen()
        transcript.follow()
        self._begin()
        self._show_state()

    async def action_branch(self, step: int) -> None:
        """Shows the branch ``step`` further at the last place in view where the conversation parts."""
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
            return
        shown = self.query_one(Transcript).turns_in_view
        parted = [turn for turn in self.state.chat.turns if turn.place[1] > 1]
        turn = next((turn for turn in reversed(parted) if turn in shown), parted[-1] if parted else None)
        if turn is None:
            self.hint("This chat has one branch. alt+up edits a message and begins another.")
            return
        try:
            row = self.archive.branch_beside(turn, step)
            if row is not None and self.state.chat.id is not None:
                await self._show_branch(self.state.chat.id, row)
        except StoreError as error:
            self.hint(printable_line(str(error)))

    async def _show_branch(self, chat: int, row: int) -> None:
        draft = self.query_one(Composer).message
        if (found := self.archive.open(chat, row)) is not None:
            self.archive.show_branch(found[0])
            found[0].title = self.state.chat.title
            await self.show_chat(found[0], draft, at=row)

    def edit_asked(self, number: int) -> None:
        """The user's message of that number, counted from 1."""
        asked = [n for n, turn in enumerate(self.state.chat.turns) if turn.role == "user"]
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif 1 <= number <= len(asked):
            self.edit(asked[number - 1])
        else:
            self.hint(f"Your messages here are 1 to {len(asked)}." if asked else "There is nothing to edit yet.")

    def edit_earlier(self) -> None:
        """The last message of the user's, or the one before that which is being edited."""
        before = len(self.state.chat.turns) if self._editing is None else self._editing
        asked = [n for n, turn in enumerate(self.state.chat.turns[:before]) if turn.role == "user"]
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif asked:
            self.edit(asked[-1])
        else:
            self.hint("There is no earlier message to edit.")

    def edit(self, index: int | None) -> None:
        """Puts turn ``index`` into the box; sent, it begins another branch there. None: leaves it as it was."""
        composer = self.query_one(Composer)
        self._editing = index
        composer.show_text("" if index is None else self.state.chat.turns[index].text)
        composer.border_title = "" if index is None else "editing an earlier message · esc leaves it as it was"

    async def _leave_branch(self) -> None:
        """Before an edited message is sent, the branch it was on leaves the screen; it stays in the store."""
        transcript, index = self.query_one(Transcript), self._editing
        if index is not None:
            self.edit(None)
            self._adapter.rewind(index)
            await transcript.show(self.state.chat.turns, turn_widget)
        elif transcript.ends_early:
            await transcript.show(self.state.chat.turns, turn_widget)

"""Branches of a conversation: an earlier message edited and asked anew, another answer to the same message."""

import secrets

from tui.screens.saved_conversation import SavedConversationScreen
from tui.state import Phase
from tui.widgets.composer import Composer
from tui.widgets.question import Question
from tui.widgets.transcript import Transcript
from tui.widgets.turns import turn_widget


class BranchingConversationScreen(SavedConversationScreen):
    """A conversation that can take another course; the one it had stays in the store."""

    async def action_retry(self) -> None:
        """Another answer to the last message, drawn with a fresh seed instead of greedily."""
        if self.state.model.busy:
            self.hint("esc stops this answer first.")
        elif self.state.model.phase is Phase.DOWN:
            await self._restart()
        elif self._adapter.retry(secrets.randbelow(2**31)):
            transcript = self.query_one(Transcript)
            if transcript.ends_early:
                await transcript.show(self.state.chat.turns[:-1], turn_widget)
            await transcript.remove_after(self.query(Question).last())
            await self._open_answer()
            self.save()
        else:
            self.hint("There is no answer to try again yet.")

    def action_edit_earlier(self) -> None:
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

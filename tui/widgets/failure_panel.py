"""An error as people can use it: what is wrong, what to do. Never a traceback; the conversation stays around it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.adapter import Failure


class FailurePanel(Static, can_focus=True):
    """Where a restart helps, Enter or r starts it."""

    DEFAULT_CSS = """
    FailurePanel {
        width: 100%;
        height: auto;
        margin: 0 0 1 0;
        padding: 0 2 0 1;
        border-left: outer $error;
        background: $error 8%;
        &:focus { background: $error 14%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,r", "restart", "start the model again", id="failure.restart", show=False)
    ]

    class Restart(Message):
        """The user wants the model started again."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        hint = ""
        if failure.can_restart:
            hint = "\nEnter or r starts the model again. The conversation is kept."
        elif failure.returned:
            hint = "\nYour message is back in the input box."
        super().__init__(
            Content.assemble((failure.title, "bold $text-error"), "\n", failure.text, (hint, "$foreground 70%")),
            markup=False,
        )

    def action_restart(self) -> None:
        """Asks the screen for it."""
        if self.failure.can_restart:
            self.post_message(self.Restart())

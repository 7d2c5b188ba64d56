"""An error as people can use it: what is wrong, what to do. Never a traceback; the conversation stays around it."""

from textual.content import Content
from textual.widgets import Static

from spectra_local.errors import WorkerError
from tui.adapter import Failure


class FailurePanel(Static):
    """Where a restart helps it says so; the keyboard stays with the input box, whose Enter does it."""

    DEFAULT_CSS = """
    FailurePanel {
        width: 100%;
        height: auto;
        margin: 0 0 1 0;
        padding: 0 2 0 1;
        border-left: outer $error;
        background: $error 8%;
        &.-declined { border-left: none; background: $background; }
    }
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        hint = ""
        if failure.declined:
            hint = "\nEnter offers it again; /model chooses another."
        elif isinstance(failure.error, WorkerError):
            hint = "\nEnter loads the model again and goes on. The conversation is kept."
        elif failure.can_restart:
            hint = "\nEnter tries again; /model chooses another. The conversation is kept."
        elif failure.returned:
            hint = "\nYour message is back in the input box."
        if failure.waiting:
            hint += " Your question is answered as soon as there is a model; esc takes it back."
        super().__init__(
            Content.assemble(
                (failure.title, "bold $text-primary" if failure.declined else "bold $text-error"),
                "\n",
                failure.text,
                (hint, "$foreground 70%"),
            ),
            markup=False,
            classes="-declined" if failure.declined else None,
        )

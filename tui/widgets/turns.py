"""From a turn of the conversation to the widget that shows it."""

from textual.widget import Widget

from spectra_local.printable import printable
from tui.state import Outcome, Turn
from tui.widgets.question import Question

_FOOTNOTES = {
    Outcome.STOPPED: "Stopped.",
    Outcome.CUT: "Cut off.",
    Outcome.LENGTH: "Ended at the length limit.",
    Outcome.CONTEXT: "Ended here: the context is full. ctrl+n begins a new chat.",
}


def turn_widget(turn: Turn) -> Widget:
    """A message that is complete."""
    if turn.role == "user":
        question = Question(turn.text, turn.files)
        question.set_class(turn.outcome is Outcome.FAILED, "-failed")
        return question
    from tui.widgets.answer import Answer  # the Markdown parser is 45 ms of imports that the first frame can spare

    return Answer(text=printable(turn.text), footnote=footnote(turn))


def footnote(turn: Turn) -> str:
    """How the answer ended, where that is worth a word."""
    parts = [_FOOTNOTES.get(turn.outcome, "")]
    if turn.outcome is Outcome.COMPLETE and not turn.text.strip():
        parts.append("The model had nothing to say. ctrl+r tries again.")
    if turn.sampling.temperature:
        parts.append(f"Another try, drawn at temperature {turn.sampling.temperature:g}.")
    return printable(" ".join(part for part in parts if part))

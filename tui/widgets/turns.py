"""From a turn of the conversation to the widget that shows it."""

from textual.widget import Widget

from spectra_local.printable import printable
from spectra_local.protocol import LONGEST_ANSWER
from tui.state import UNFINISHED, Outcome, Turn
from tui.widgets.question import Question

_ENDS = {
    Outcome.STOPPED: "Stopped.",
    Outcome.CUT: "Cut off.",
    Outcome.LENGTH: f"Ended after {LONGEST_ANSWER:,} tokens.",
    Outcome.CONTEXT: "Ended here: the context is full. You can ask on: the oldest messages are then left out.",
}


def turn_widget(turn: Turn) -> Widget:
    """A message that is complete."""
    if turn.role == "user":
        question = Question(turn.text, turn.files, branch_mark(turn))
        question.turn = turn
        question.set_class(turn.outcome is Outcome.FAILED, "-failed")
        return question
    from tui.widgets.answer import Answer  # the Markdown parser is 45 ms of imports that the first frame can spare

    return Answer(text=printable(turn.text), sources=turn.sources, footnote=footnote(turn))


def branch_mark(turn: Turn) -> str:
    """Which of several branches this is; "" where there is but one."""
    number, n_branches = turn.place
    return f"‹ {number}/{n_branches} ›  alt+left, alt+right" if n_branches > 1 else ""


def footnote(turn: Turn) -> str:
    """How the answer ended, where that is worth a word."""
    begun = bool(turn.text.strip())
    parts = [_ENDS.get(turn.outcome, "")]
    if turn.outcome in UNFINISHED:
        parts.append("/continue goes on." if begun else "ctrl+r tries again.")
    elif turn.outcome is Outcome.COMPLETE and not begun:
        parts.append("The model had nothing to say. ctrl+r tries again.")
    if turn.is_retry:
        parts.append(f"Another try, drawn at temperature {turn.sampling.temperature:g}.")
    parts.append(branch_mark(turn))
    return printable(" ".join(part for part in parts if part))

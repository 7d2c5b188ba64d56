"""Filling a gap with a model that was not trained to: asked in words, its answer begun for it. Worse, and said so.

The answer starts as a code block with the gap's own line, so that what comes next is the missing text and no chatter.
"""

from spectra_local.completion.window import window_for
from spectra_local.protocol import FillIn, Message, ModelInfo, Request

FENCE = "```"
_GAP = "<GAP>"
_LINES_SHOWN = 40  # small models lose the gap in longer texts
_MOST_CHARS = 8_000  # of them, where lines are long; in a small context as many characters as it has tokens
_CHARS_A_TOKEN = 3  # of code; the program that asks has no vocabulary to count with
_LINE_BEGUN = 400  # characters of the gap's line that the answer begins with
_ASK = (
    "Here is a text with a gap, marked {gap}.\n\n{fence}\n{text}\n{fence}\n\n"
    "Write what belongs into the gap, and nothing else."
)


def instruction_request(fill_in: FillIn, info: ModelInfo) -> Request:
    """The request, without limits and sampling. A model without a chat template gets the prefix to continue."""
    prefix = fill_in.prefix + fill_in.middle
    most = min(_MOST_CHARS, info.n_ctx, _CHARS_A_TOKEN * window_for(info.device).tokens)
    if not info.template:
        return Request(prompt=prefix[-most:] or "\n")
    before = "\n".join(prefix.split("\n")[-_LINES_SHOWN:])[-most // 2 :]
    after = "\n".join(fill_in.suffix.split("\n")[: _LINES_SHOWN // 2])[: most // 4]
    line = prefix[prefix.rfind("\n") + 1 :][-_LINE_BEGUN:]
    asked = _ASK.format(gap=_GAP, fence=FENCE, text=f"{before}{_GAP}{after}")
    begun = f"{FENCE}\n{line}"
    return Request(messages=(Message("user", asked), Message("assistant", begun)), stop=(f"\n{FENCE}", FENCE, _GAP))

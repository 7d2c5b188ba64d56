"""Rewriting a text by an instruction, over any Assistant: the original first, the instruction after, raw text out.

That order and a begun code block let the original be drafted from word for word (vLLM measured 1.35x -> 1.95x from the
layout alone): unchanged stretches cost almost nothing. Knows neither files nor editors.
"""

import re
from collections.abc import Generator
from dataclasses import KW_ONLY, dataclass, field

from spectra_local.completion.named_lines import kept_to_named, margin_of
from spectra_local.completion.replacement import ReplacementError, in_the_form_of, replacement
from spectra_local.errors import ContextFullError, SpectraError, UsageError
from spectra_local.protocol import Assistant, Done, Message, Notice, PromptProgress, Request, Sampling, Text, Timings
from spectra_local.text_file import counted_lines, line_end_of, lines_of, with_plain_ends

_REGION_LINES = 120  # of a long text; small models lose lines of longer ones
_MOST_CHARS = 8_000  # of a region, where lines are long
_LONG_LINES = 200  # more are edited by region
_MOST_REGIONS = 24  # nearly 3,000 lines: with 1.5B parameters on two cores an hour; more is hardly meant
# Shown of what precedes and follows a block, so that it is understood. On two cores reading all of it takes 1.5B
# parameters some ten seconds, during which nothing is seen to happen: so it is not more.
_LINES_BEFORE, _CHARS_BEFORE = 16, 800
_LINES_AFTER, _CHARS_AFTER = 8, 400
_SPARE_TOKENS = 512  # an answer may be so much longer than the original
_DELETES = re.compile(r"\b(delete|remove|erase|drop|clear|empty)\b", re.IGNORECASE)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class RewriteRequest:
    """A text to be changed. ``before`` and ``after`` surround it and stay."""

    text: str
    instruction: str
    before: str = ""
    after: str = ""
    _: KW_ONLY
    sampling: Sampling = field(default_factory=Sampling)
    speculate: bool = True
    learn: bool = True  # False: nothing of it is kept on disk


@dataclass(frozen=True, slots=True)
class Progress:
    """What is going on, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The whole new text, with the original's line ends; one Timings a region."""

    text: str
    timings: tuple[Timings, ...]


def rewrite(assistant: Assistant, request: RewriteRequest) -> Generator[Progress | Rewritten, None, None]:
    """Yields Progress, then Rewritten. Raises SpectraError where the answer is no replacement. Closing it cancels."""
    check(request)
    if not assistant.info.template:
        raise SpectraError("this model has no chat template and follows no instructions; choose an instruct model")
    bom = _BOM if request.text.startswith(_BOM) else ""
    whole = request.text.removeprefix(_BOM)
    line_end = line_end_of(request.before + whole + request.after)
    pieces = regions(whole)
    parts: list[str] = []
    timings: list[Timings] = []
    for number, piece in enumerate(pieces):
        if not piece.strip():
            parts.append(piece)
            continue
        where = f"part {number + 1} of {len(pieces)}, " if len(pieces) > 1 else ""
        before = _plain(request.before + "".join(pieces[:number]))
        after = _plain("".join(pieces[number + 1 :]) + request.after)
        answer, done = yield from _ask(assistant, request, before, _plain(piece), after, where)
        parts.append(in_the_form_of(piece, answer, line_end))
        timings.append(done.timings)
    yield Rewritten(bom + "".join(parts), tuple(timings))


def check(request: RewriteRequest) -> None:
    """Raises UsageError for what no model could rewrite: before one is loaded."""
    if not request.instruction.strip():
        raise UsageError("the instruction is empty: say what to change")
    if not request.text.strip():
        raise UsageError("there is no text to change")
    n_parts = len(regions(request.text))
    if n_parts > _MOST_REGIONS:
        raise UsageError(
            f"{counted_lines(len(lines_of(request.text)))} are too many to rewrite at once: they would be {n_parts} "
            f"parts, one after the other, and at most {_MOST_REGIONS} are taken; choose lines"
        )


def regions(text: str) -> list[str]:
    """``text`` whole, or, where it is long, in parts that end at blank lines where there are some."""
    lines = lines_of(text)
    if len(lines) <= _LONG_LINES and len(text) <= _MOST_CHARS:
        return [text]
    parts: list[str] = []
    start = 0
    while start < len(lines):
        end, size = start, 0
        while end < len(lines) and end - start < _REGION_LINES and (end == start or size < _MOST_CHARS):
            size += len(lines[end])
            end += 1
        if end < len(lines):
            # A blank line above an unindented one is the best border, then any blank line.
            borders = [i for i in range(start + 1, end) if not lines[i - 1].strip()]
            outer = [i for i in borders if lines[i].strip() and not lines[i][0].isspace()]
            end = max(outer or borders, default=end)
        parts.append("".join(lines[start:end]))
        start = end
    return parts


def _ask(
    assistant: Assistant, request: RewriteRequest, before: str, original: str, after: str, where: str
) -> Generator[Progress, None, tuple[str, Done]]:
    """``before`` and ``after``: all that surrounds it."""
    body = _dedented(original)
    above, below = _shown_before(before), _shown_after(after)
    context = above + original + below if (above + below).strip() else ""
    fence = _fence(original + context)
    lines = body.strip("\n")
    asked = Request(
        messages=_messages(fence, lines, context, request.instruction),
        sampling=request.sampling,
        max_tokens=len(body) // 2 + _SPARE_TOKENS,
        stop=(f"\n{fence}",),
        prediction=f"{lines}\n{fence}",  # the end too: it costs as many passes as any other token
        speculate=request.speculate,
        learn=request.learn,
        kind="edit",
    )
    answer: list[str] = []
    n_lines = 0
    events = assistant.generate(asked)
    try:
        for event in events:
            if isinstance(event, Text):
                answer.append(event.text)
                n_lines += event.text.count("\n")
                yield Progress(f"rewriting: {where}{n_lines} lines")
            elif isinstance(event, PromptProgress):
                yield Progress(f"reading: {where}{event.done} of {event.total} tokens")
            elif isinstance(event, Notice):
                yield Progress(event.text)
            elif isinstance(event, Done):
                if event.finish_reason != "stop":
                    raise ReplacementError(_unfinished(event))
                said = replacement(body, with_plain_ends("".join(answer)), context)
                made = kept_to_named(before, original, after, said)
                if not made.strip() and not _asks_for_deletion(request.instruction):
                    raise ReplacementError(_nothing(said))
                return made, event
    except ContextFullError as error:
        raise ReplacementError(
            f"the text is too long: {error}; or name fewer lines. The text stays as it is"
        ) from error
    finally:
        events.close()
    raise SpectraError("the answer has no end")


def _nothing(said: str) -> str:
    what = "the lines around the text and nothing of it" if said.strip() else "nothing"
    return f"the model answered with {what}; the text stays as it is. Other words or a larger model may help"


def _unfinished(done: Done) -> str:
    why = {
        "length": "the model's answer became far longer than the text",
        "context": f"text and answer do not fit into the context of {done.n_ctx} tokens; give fewer lines",
        "cancelled": "cancelled",
    }
    return f"{why.get(done.finish_reason, done.finish_reason)}; the text stays as it is"


def _messages(fence: str, lines: str, context: str, instruction: str) -> tuple[Message, ...]:
    """``context``: the lines among those around them, as they stand; "" where there are no others.

    Shown in one piece: of what stands before and after the lines, shown apart, small models made their answer.
    """
    if context:
        shown = f"A part of a text:\n{fence}\n{context.strip(chr(10))}\n{fence}\n\nOf it, change only these lines:"
        wanted = "Reply with these lines, changed, in a code block, and with nothing that stands before or after them."
    else:
        shown = "The text:"
        wanted = "Reply with the whole changed text in a code block, without explanations. Leave all else as it is."
    asked = f"{shown}\n{fence}\n{lines}\n{fence}\n\n{instruction.strip()}\n{wanted}"
    return Message("user", asked), Message("assistant", f"{fence}\n")


def _asks_for_deletion(instruction: str) -> bool:
    """Whether nothing may be what is wanted in place of a text."""
    return _DELETES.search(instruction) is not None


def _shown_before(text: str) -> str:
    near = text[-_CHARS_BEFORE:]
    if len(near) < len(text):
        near = near[near.find("\n") + 1 :]  # whole lines, where there are some
    return _plain("".join(lines_of(near)[-_LINES_BEFORE:]))


def _shown_after(text: str) -> str:
    near = text[:_CHARS_AFTER]
    if len(near) < len(text):
        near = near[: near.rfind("\n") + 1] or near
    return _plain("".join(lines_of(near)[:_LINES_AFTER]))


def _fence(text: str) -> str:
    """Longer than any run of backticks in the text: nothing in it can end the block."""
    return "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))


def _plain(text: str) -> str:
    return with_plain_ends(text).removeprefix(_BOM)


def _dedented(text: str) -> str:
    """``text`` without the white space that all its lines begin with: models answer from the margin."""
    margin = margin_of(text)
    return "\n".join(line.removeprefix(margin) if line.strip() else line for line in text.split("\n"))

"""From a gap in a text to suggestions that fit into it, over any Assistant. One request at a time, from one thread.

Serves typed-through text from a cache, keeps the prompt of a gap that is being typed into, ends suggestions by the stop
rules, cleans them. Knows neither files nor editors.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from uuid import uuid4

from spectra_local.completion.cleaning import certain_length, cleaned, first_line, repeated_start
from spectra_local.completion.instruction_prompt import instruction_request
from spectra_local.completion.offers import Accepted, Offers, Outcomes
from spectra_local.completion.stop_rules import Surroundings, kept_length
from spectra_local.completion.suggestion_cache import SuggestionCache
from spectra_local.completion.window import windowed
from spectra_local.errors import SpectraError
from spectra_local.protocol import Assistant, Done, FillIn, PromptProgress, Request, Sampling, Text, Timings
from spectra_local.text_file import line_end_of, with_plain_ends

MAX_TOKENS = 128  # as llama.vim asks for
_MOST_TYPED = 400  # characters typed into a gap before its prompt is made anew around the cursor
_PATIENCE = 2  # a first line that is not finished within the time limit gets as much time again
_FURTHER = Sampling(temperature=0.8, top_p=0.95)  # for suggestions after a greedy first one


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A gap and what is wanted for it. Texts may have any line ends; suggestions get those of the prefix."""

    fill_in: FillIn
    max_tokens: int = MAX_TOKENS
    max_ms: float | None = None  # of generating, checked at line ends; None: no limit
    count: int = 1  # suggestions; fewer come where two are alike but for blanks around them
    _: KW_ONLY
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    single_line: bool = False
    line_first: bool = False  # of a lone suggestion the first line, as soon as it is whole, is a Suggestion before it
    raw: bool = False  # all that the model says: no stop rules, no cleaning, no cache
    speculate: bool = True
    learn: bool = True  # False: nothing of it, nor that it was accepted, is kept on disk
    on_progress: Callable[[PromptProgress], None] | None = None  # called while the prompt is read


def warm_up(fill_in: FillIn, *, learn: bool = True) -> CompletionRequest:
    """Only reads the gap's surroundings into the KV cache, so that the next suggestion there comes sooner."""
    return CompletionRequest(fill_in, max_tokens=1, raw=True, speculate=False, learn=learn)


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of the first suggestion that will not be taken back, as it grows."""

    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A finished suggestion; its text may be empty."""

    text: str
    finish_reason: str  # the engine's, or "rule", "time"; "line": the whole one follows
    timings: Timings  # of the request; suggestions drawn side by side share one
    n_past: int = 0  # tokens in the context afterwards
    _: KW_ONLY
    cached: bool = False
    by_instruction: bool = False  # the model has no fill-in tokens and was asked in words


class Completer:
    """Completes in one place at a time; keeps what the next request can use."""

    def __init__(self, assistant: Assistant, *, until_saved: bool = False) -> None:
        """``until_saved``: what is accepted is learned when ``saved`` says that it is in the file, else soon."""
        self._assistant = assistant
        self._until_saved = until_saved
        self._cache = SuggestionCache()
        self._offers = Offers()
        self._lessons: list[Accepted] = []
        self._conversation = uuid4().hex  # what is accepted here is found as one text later
        self._anchor: FillIn | None = None  # the gap whose prompt is in the KV cache
        self._cancelled = threading.Event()

    def complete(self, request: CompletionRequest) -> Generator[Piece | Suggestion, None, None]:
        """Yields Pieces of the first suggestion, then it, then further ones. Raises SpectraError; closing cancels.

        Where no text surrounds the gap, nothing is suggested: models answer with a file out of their training.
        """
        self._cancelled.clear()
        return self._complete(request)

    def cancel(self) -> None:
        """Ends the running request soon; its suggestion says "cancelled". From any thread; no effect when idle."""
        self._cancelled.set()
        self._assistant.cancel()

    def continues(self, fill_in: FillIn) -> bool:
        """Whether most of the gap's prompt was read with the last request: it was typed into since."""
        gap, last = self._windowed(fill_in), self._anchor
        return last is not None and self._typed_after(last, gap) is not None

    @property
    def outcomes(self) -> Outcomes:
        """What became of the suggestions so far."""
        return self._offers.outcomes

    def accepted(self, fill_in: FillIn, text: str, *, learn: bool = True) -> None:
        """Tells that ``text``, a suggestion or the beginning of one, was put into the gap; it is learned."""
        gap = self._windowed(fill_in)
        self._note(self._offers.accepted(gap, with_plain_ends(text)), learn=learn)
        if not self._until_saved:
            self._teach()

    def saved(self, text: str, *, learn: bool = True) -> None:
        """Tells that the file holds ``text`` now: what of it was accepted is learned, what is gone again is not."""
        whole = _with_plain_line_ends(FillIn(text))
        self._note(self._offers.seen(whole), learn=learn)
        self._lessons = [each for each in self._lessons if each.stands_in(whole.prefix)]
        self._teach()

    def _windowed(self, fill_in: FillIn) -> FillIn:
        return windowed(_with_plain_line_ends(fill_in), self._assistant.info.device)

    def _note(self, accepted: Accepted | None, *, learn: bool) -> None:
        if accepted and learn:
            self._lessons.append(accepted)

    def _teach(self) -> None:
        """Between requests: learning what was accepted must not keep a suggestion waiting."""
        while self._lessons:
            lesson = self._lessons.pop(0)
            taught = Request(
                prompt=lesson.before, accepted=lesson.text, kind="complete", conversation=self._conversation
            )
            with suppress(SpectraError):  # the suggestion itself was given; the next request says what is wrong
                for _ in self._assistant.generate(taught):
                    pass

    def _complete(self, request: CompletionRequest) -> Generator[Piece | Suggestion, None, None]:
        line_end = line_end_of(request.fill_in.prefix + request.fill_in.suffix)
        gap = self._windowed(request.fill_in)
        self._note(self._offers.seen(gap), learn=request.learn)
        if not request.raw and not gap.extra and not (gap.prefix + gap.middle + gap.suffix).strip():
            yield Suggestion("", "stop", Timings(), by_instruction=not self._assistant.info.fill_in)
            return
        try:
            yield from self._suggestions(gap, request, line_end)
        finally:
            if not self._until_saved:
                self._teach()

    def _suggestions(
        self, gap: FillIn, request: CompletionRequest, line_end: str
    ) -> Generator[Piece | Suggestion, None, None]:
        seen: set[str] = set()
        if not request.raw and (text := self._cache.get(gap)) is not None:
            seen.add(text.strip())
            self._offers.offer(gap, text)
            in_words = not self._assistant.info.fill_in
            whole = _with_line_ends(text, line_end)
            yield Suggestion(whole, "stop", Timings(), cached=True, by_instruction=in_words)
        else:
            for item in self._suggest(gap, request, request.sampling):
                if isinstance(item, Suggestion):
                    seen.add(item.text.strip())
                    if not request.raw and item.finish_reason != "cancelled":
                        self._cache.put(gap, item.text)
                        self._offers.offer(gap, item.text)
                yield replace(item, text=_with_line_ends(item.text, line_end))
        if request.count > 1 and not self._cancelled.is_set():
            again = replace(request, on_progress=None)  # the prompt was read
            for item in self._suggest(gap, again, _further(request.sampling), request.count - 1):
                if not isinstance(item, Suggestion) or item.finish_reason == "cancelled":
                    continue
                if (words := item.text.strip()) not in seen | {""}:
                    seen.add(words)
                    yield replace(item, text=_with_line_ends(item.text, line_end))

    def _suggest(
        self, gap: FillIn, request: CompletionRequest, sampling: Sampling, count: int = 1
    ) -> Generator[Piece | Suggestion]:
        """Pieces of a lone suggestion, then one or, of several drawn side by side, each."""
        by_instruction = not self._assistant.info.fill_in
        asked = instruction_request(gap, self._assistant.info) if by_instruction else Request(fill_in=self._kept(gap))
        asked = replace(
            asked,
            max_tokens=request.max_tokens,
            sampling=sampling,
            stop=(*asked.stop, *request.stop, *(("\n",) if request.single_line else ())),
            speculate=request.speculate,
            count=count,
            kind="complete",
            learn=request.learn,
        )
        around = Surroundings.of(gap.prefix, gap.suffix)
        growing = [_Growing(around, request) for _ in range(count)]
        events = self._assistant.generate(asked)
        if self._cancelled.is_set():
            self._assistant.cancel()
        try:
            for event in events:
                if isinstance(event, Text) and not (one := growing[event.answer]).ended:
                    if (piece := one.add(event.text)) and count == 1:
                        yield Piece(piece)
                    if request.line_first and count == 1 and (line := one.line()):
                        yield Suggestion(line, "line", Timings(), by_instruction=by_instruction)
                    if all(each.ended for each in growing):
                        self._assistant.cancel()
                elif isinstance(event, PromptProgress) and request.on_progress:
                    request.on_progress(event)
                elif isinstance(event, Done):
                    for number, one in enumerate(growing):
                        reason = one.ended or ("stop" if number in event.ended else event.finish_reason)
                        text = one.finished(reason)
                        yield Suggestion(text, reason, event.timings, event.n_past, by_instruction=by_instruction)
        finally:
            events.close()

    def _kept(self, gap: FillIn) -> FillIn:
        """``gap`` as the last one with something typed into it, where it is that: its prompt is evaluated already."""
        last = self._anchor
        if last and (typed := self._typed_after(last, gap)) is not None:
            return replace(last, middle=typed)
        self._anchor = gap
        return gap

    @staticmethod
    def _typed_after(last: FillIn, gap: FillIn) -> str | None:
        if replace(gap, prefix="") != replace(last, prefix="") or not gap.prefix.startswith(last.prefix):
            return None
        typed = gap.prefix[len(last.prefix) :]
        return typed if len(typed) <= _MOST_TYPED else None


class _Growing:
    """The text of one suggestion while the model writes it."""

    def __init__(self, around: Surroundings, request: CompletionRequest) -> None:
        self._around = around
        self._raw = request.raw
        self._limit_s = request.max_ms / 1000 if request.max_ms is not None else None
        self._started: float | None = None
        self._said = ""
        self._may_repeat = False  # its start is that of the line so far: what follows decides
        self._text = ""  # of it what does not repeat the start of the line
        self._n_given = 0
        self._line_given = False
        self.ended = ""  # why there is enough of it, "" while it grows

    def add(self, text: str) -> str:
        """What became certain with ``text``."""
        self._started = self._started or time.monotonic()
        self._said += text
        n_repeated = 0 if self._raw else repeated_start(self._said, self._around)
        self._may_repeat = n_repeated is None
        self._text = self._said[n_repeated or 0 :]
        if not self._raw and (kept := kept_length(self._text, self._around)) is not None:
            self._text, self.ended = self._text[:kept], "rule"
        elif self._is_late():
            self.ended = "time"
        certain = len(self._text) if self._raw else certain_length(self._text, self._around)
        certain = 0 if self._may_repeat else certain
        new = self._text[self._n_given : certain]
        self._n_given = max(self._n_given, certain)
        return "" if self.ended else new

    def line(self) -> str:
        """The first line, once: as soon as it will not be taken back and more follows. "" otherwise."""
        line = first_line(self._text)
        if self._line_given or self.ended or not line.strip() or len(line) == len(self._text):
            return ""
        if len(line.rstrip()) > self._n_given:
            return ""
        self._line_given = True
        return line.rstrip()

    def finished(self, reason: str) -> str:
        """The text to insert."""
        if self._raw:
            return self._text
        if self._may_repeat and self._text.strip() == self._around.line_before.strip():
            return ""  # it ended before more than the start of the line was said again
        if reason in ("time", "length") and "\n" in self._text.strip():
            self._text = self._text[: self._text.rindex("\n")]
        return cleaned(self._text, self._around, ended_itself=reason == "stop")

    def _is_late(self) -> bool:
        if self._limit_s is None or self._started is None:
            return False
        over = time.monotonic() - self._started
        return over > self._limit_s * (1 if "\n" in self._text.strip() else _PATIENCE)


def _further(sampling: Sampling) -> Sampling:
    """For further suggestions: other draws, and draws at all where the first one is greedy."""
    return replace(sampling if sampling.temperature > 0 else _FURTHER, seed=(sampling.seed or 0) + 1)


def _with_plain_line_ends(fill_in: FillIn) -> FillIn:
    prefix, middle, suffix = map(with_plain_ends, (fill_in.prefix, fill_in.middle, fill_in.suffix))
    return replace(fill_in, prefix=prefix.removeprefix("\ufeff"), middle=middle, suffix=suffix)


def _with_line_ends(text: str, line_end: str) -> str:
    return text if line_end == "\n" else text.replace("\n", line_end)

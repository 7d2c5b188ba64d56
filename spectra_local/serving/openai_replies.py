"""One answer in OpenAI's two forms: whole, or in chunks; the endpoints differ only in the shape of a choice."""

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from spectra_local.protocol import Done, Echo, Event, Notice, Request, Text, TokenLogprobs
from spectra_local.serving.answers import Service, events_of
from spectra_local.serving.fields import Fields
from spectra_local.serving.openai import finish_reason, usage
from spectra_local.serving.openai_logprobs import Told
from spectra_local.serving.replies import error_body, json_reply, server_sent
from spectra_local.serving.request_queue import AnswerCutError
from spectra_local.timings_json import timings_json

Choice = dict[str, Any]


class Shape:
    """How one endpoint words its answers."""

    def __init__(
        self,
        prefix: str,
        kind: str,
        chunk_kind: str,
        choice: Callable[[str], Choice],
        delta: Callable[[str], Choice],
        logprobs: Callable[[], Told],
        opening: Choice | None = None,
    ) -> None:
        """``choice`` holds a whole text, ``delta`` a piece of one, ``opening`` what comes before the first piece.
        ``logprobs`` makes what tells those of one choice."""
        self.prefix, self.kind, self.chunk_kind = prefix, kind, chunk_kind
        self.choice, self.delta, self.opening, self.logprobs = choice, delta, opening, logprobs


async def reply(
    service: Service, http: HttpRequest, fields: Fields, requests: Sequence[Request], shape: Shape
) -> Response:
    """Answers ``requests``, which differ by their prompts alone, whole, or in chunks where the client asked for that.

    Raises RequestError, SpectraError.
    """
    head = {"id": f"{shape.prefix}-{secrets.token_hex(12)}", "created": int(time.time()), "model": service.model_id}
    choices = Choices(shape, requests)
    events = events_of(service, http, requests)
    if not fields.flag("stream"):
        return json_reply({**head, "object": shape.kind, **await _whole(events, choices)})
    options = fields.object("stream_options")
    with_usage = options is not None and options.flag("include_usage")
    first = await anext(events)  # what is wrong with the request shows here, while the status can still say so
    head["object"] = shape.chunk_kind
    chunks = _chunks(first, events, head, choices, with_usage=with_usage)
    return StreamingResponse(
        server_sent(
            chunks,
            end=b"data: [DONE]\n\n",
            last=lambda body: {**_chunk(head, choices.delta(choices.n_before, reason="error")), **body},
        ),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache"},
    )


class Choices:
    """The answers to several prompts, numbered through; ``dones`` are of the prompts that were answered so far."""

    def __init__(self, shape: Shape, requests: Sequence[Request]) -> None:
        self.shape = shape
        self.n_each = requests[0].count
        self.n = self.n_each * len(requests)
        self.dones: list[Done] = []
        self._told = [shape.logprobs() if requests[0].logprobs is not None else None for _ in range(self.n)]

    @property
    def n_before(self) -> int:
        """Those of the prompts that were answered so far; where all were, the last counts as being answered still."""
        return min(len(self.dones) * self.n_each, self.n - 1)

    def pieces(self, event: Echo | Text) -> list[tuple[int, str, tuple[TokenLogprobs, ...]]]:
        """What ``event`` adds: number of the choice, text, logprobs. A prompt is told again before each answer."""
        numbers = range(self.n_each) if isinstance(event, Echo) else [event.answer]
        return [(self.n_before + number, event.text, event.logprobs) for number in numbers]

    def ended(self, done: Done) -> list[tuple[int, str]]:
        """The choices that end with ``done``, with the reason of each."""
        numbers = range(self.n_before, self.n_before + self.n_each)
        self.dones.append(done)
        return [(number, finish_reason(done, i)) for i, number in enumerate(numbers)]

    def whole(self, number: int, text: str, logprobs: Sequence[TokenLogprobs], reason: str) -> Choice:
        """A whole choice."""
        return self._choice(number, self.shape.choice(text), logprobs, reason)

    def delta(
        self, number: int, text: str = "", logprobs: Sequence[TokenLogprobs] = (), reason: str | None = None
    ) -> Choice:
        """A piece of a choice."""
        return self._choice(number, self.shape.delta(text), logprobs, reason, is_piece=True)

    def opening(self, number: int) -> Choice:
        """What comes before a choice's first piece."""
        return self._choice(number, self.shape.opening or {}, (), None, is_piece=True)

    def _choice(
        self,
        number: int,
        content: Choice,
        logprobs: Sequence[TokenLogprobs],
        reason: str | None,
        *,
        is_piece: bool = False,
    ) -> Choice:
        told = self._told[number]
        shown = told.told(logprobs) if told and (logprobs or not is_piece) else None
        return {"index": number, **content, "logprobs": shown, "finish_reason": reason}


async def _whole(events: AsyncGenerator[Event, None], choices: Choices) -> Choice:
    texts: list[list[str]] = [[] for _ in range(choices.n)]
    logprobs: list[list[TokenLogprobs]] = [[] for _ in range(choices.n)]
    ends: list[tuple[int, str]] = []
    notices: list[str] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, (Echo, Text)):
                for number, text, told in choices.pieces(event):
                    texts[number].append(text)
                    logprobs[number] += told
            elif isinstance(event, Notice):
                notices.append(event.text)
            elif isinstance(event, Done):
                ends += choices.ended(event)
    return {
        "choices": [choices.whole(i, "".join(texts[i]), logprobs[i], reason) for i, reason in ends],
        "usage": usage([done.timings for done in choices.dones]),
        **_timings(choices),
        **({"notices": notices} if notices else {}),
        **_cut(choices.dones[-1]),
    }


async def _chunks(
    first: Event, events: AsyncGenerator[Event, None], head: Choice, choices: Choices, *, with_usage: bool
) -> AsyncIterator[Choice]:
    if choices.shape.opening is not None:
        for number in range(choices.n):
            yield _chunk(head, choices.opening(number))
    async with aclosing(_from(first, events)) as all_events:
        async for event in all_events:
            if isinstance(event, (Echo, Text)):
                for piece in choices.pieces(event):
                    if piece[1] or piece[2]:
                        yield _chunk(head, choices.delta(*piece))
            elif isinstance(event, Notice):
                yield {**_chunk(head, choices.delta(choices.n_before)), "notices": [event.text]}
            elif isinstance(event, Done):
                for number, reason in choices.ended(event):
                    yield {**_chunk(head, choices.delta(number, reason=reason)), **_timings(choices), **_cut(event)}
    if with_usage:
        yield {**head, "choices": [], "usage": usage([done.timings for done in choices.dones])}


def _chunk(head: Choice, choice: Choice) -> Choice:
    """Clients read the first choice of each chunk, whatever else it says: it always has one."""
    return {**head, "choices": [choice]}


def _timings(choices: Choices) -> dict[str, Any]:
    """Of the prompt that was answered last."""
    return {"timings": timings_json(choices.dones[-1].timings)}


def _cut(done: Done) -> dict[str, Any]:
    """What is added where the answer was cut off and there is still somebody to tell: only the server's end does so."""
    return error_body(AnswerCutError()) if done.finish_reason == "cancelled" else {}


async def _from(first: Event, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    yield first
    async with aclosing(events):
        async for event in events:
            yield event

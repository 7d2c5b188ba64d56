"""One answer in OpenAI's two forms: whole, or in chunks; the endpoints differ only in the shape of a choice."""

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from spectra_local.protocol import Done, Event, Notice, Request, Text
from spectra_local.serving.answers import Service, events_of, whole_answer
from spectra_local.serving.fields import Fields
from spectra_local.serving.openai import finish_reason, usage
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
        opening: Choice | None = None,
    ) -> None:
        """``choice`` holds a whole text, ``delta`` a piece of one, ``opening`` what comes before the first piece."""
        self.prefix, self.kind, self.chunk_kind = prefix, kind, chunk_kind
        self.choice, self.delta, self.opening = choice, delta, opening


async def reply(service: Service, http: HttpRequest, fields: Fields, request: Request, shape: Shape) -> Response:
    """Answers ``request`` whole, or in chunks where the client asked for that. Raises RequestError, SpectraError."""
    head = {"id": f"{shape.prefix}-{secrets.token_hex(12)}", "created": int(time.time()), "model": service.model_id}
    if not fields.flag("stream"):
        answer = await whole_answer(service, http, request)
        choice = {"index": 0, **shape.choice(answer.text), "logprobs": None}
        return json_reply(
            {
                **head,
                "object": shape.kind,
                "choices": [{**choice, "finish_reason": finish_reason(answer.done)}],
                "usage": usage(answer.done.timings),
                "timings": timings_json(answer.done.timings),
                **({"notices": answer.notices} if answer.notices else {}),
                **_cut(answer.done),
            }
        )
    options = fields.object("stream_options")
    with_usage = options is not None and options.flag("include_usage")
    events = events_of(service, http, request)
    first = await anext(events)  # what is wrong with the request shows here, while the status can still say so
    head["object"] = shape.chunk_kind
    chunks = _chunks(first, events, head, shape, with_usage=with_usage)
    return StreamingResponse(
        server_sent(
            chunks, end=b"data: [DONE]\n\n", last=lambda body: {**_chunk(head, shape.delta(""), "error"), **body}
        ),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache"},
    )


async def _chunks(
    first: Event, events: AsyncGenerator[Event, None], head: Choice, shape: Shape, *, with_usage: bool
) -> AsyncIterator[Choice]:
    if shape.opening is not None:
        yield _chunk(head, shape.opening)
    async with aclosing(_from(first, events)) as all_events:
        async for event in all_events:
            if isinstance(event, Text) and event.text:
                yield _chunk(head, shape.delta(event.text))
            elif isinstance(event, Notice):
                yield {**_chunk(head, shape.delta("")), "notices": [event.text]}
            elif isinstance(event, Done):
                last = _chunk(head, shape.delta(""), finish_reason(event))
                yield {**last, "timings": timings_json(event.timings), **_cut(event)}
                if with_usage:
                    yield {**head, "choices": [], "usage": usage(event.timings)}


def _chunk(head: Choice, choice: Choice, reason: str | None = None) -> Choice:
    """Clients read the first choice of each chunk, whatever else it says: it always has one."""
    return {**head, "choices": [{"index": 0, **choice, "logprobs": None, "finish_reason": reason}]}


def _cut(done: Done) -> dict[str, Any]:
    """What is added where the answer was cut off and there is still somebody to tell: only the server's end does so."""
    return error_body(AnswerCutError()) if done.finish_reason == "cancelled" else {}


async def _from(first: Event, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    yield first
    async with aclosing(events):
        async for event in events:
            yield event

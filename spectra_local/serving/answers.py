"""From a request for the engine to its answer, for a client that may hang up at any moment."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass

from starlette.requests import Request as HttpRequest

from spectra_local.completion.completer import Completer
from spectra_local.protocol import Done, Event, Notice, Request, Text
from spectra_local.serving.metrics import Metrics
from spectra_local.serving.request_queue import Job, RequestQueue


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    text: str
    done: Done
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """What every endpoint works with."""

    queue: RequestQueue  # of conversations and raw text
    typing: RequestQueue  # of completions while somebody types: on a line of their own where engines can be shared
    completer: Completer  # over the assistant of ``typing``: used by its requests alone
    metrics: Metrics
    max_tokens: int  # most tokens of one answer
    model_id: str  # the model's name in answers and in the list of models
    learn: bool = True  # whether completions may be learned from; a path, by which that may differ, is not sent

    def limited(self, asked: int | None) -> int:
        """How many tokens an answer may have where a client asked for ``asked``; None or negative: all it can."""
        return self.max_tokens if asked is None or asked < 0 else min(asked, self.max_tokens)


@contextlib.asynccontextmanager
async def cancelled_with(http: HttpRequest, job: Job) -> AsyncIterator[None]:
    """Within it, a closed connection cancels ``job``; so does leaving it early."""

    async def watch() -> None:
        while (await http.receive())["type"] != "http.disconnect":
            pass
        job.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
        job.cancel()


async def events_of(service: Service, http: HttpRequest, request: Request) -> AsyncGenerator[Event, None]:
    """The events of ``request``, ending with its Done. Raises SpectraError, RequestCancelledError among them."""

    def counted(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Done):  # here and not below, where nobody may be listening any more
                service.metrics.count_answer(event)
            yield event

    queue = service.typing if request.kind == "complete" else service.queue
    job = queue.submit(lambda assistant: counted(assistant.generate(request)))
    begun = ended = False
    async with cancelled_with(http, job):
        async for event in job.events():
            if job.ending and isinstance(event, Done) and event.finish_reason == "cancelled" and not begun:
                break  # an empty answer would look like one
            begun = begun or isinstance(event, Text)
            ended = ended or isinstance(event, Done)
            yield event  # to the queue's end, not the Done's: who asks again at once must find it idle
    if not ended:
        raise job.why_none()


async def whole_answer(service: Service, http: HttpRequest, request: Request) -> Answer:
    """The answer to ``request``, all of it. Raises SpectraError."""
    texts: list[str] = []
    notices: list[str] = []
    done: Done | None = None
    async for event in events_of(service, http, request):
        if isinstance(event, Text):
            texts.append(event.text)
        elif isinstance(event, Notice):
            notices.append(event.text)
        elif isinstance(event, Done):
            done = event
    assert done
    return Answer("".join(texts), done, tuple(notices))

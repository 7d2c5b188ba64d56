"""From a request for the engine to its answer, for a client that may hang up at any moment."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

from starlette.requests import Request as HttpRequest

from spectra_local.completion.completer import Completer
from spectra_local.protocol import Assistant, Done, Event, Request, Text
from spectra_local.serving.metrics import Metrics
from spectra_local.serving.request_queue import Job, RequestQueue


@dataclass(frozen=True, slots=True)
class Service:
    """What every endpoint works with."""

    queue: RequestQueue  # of conversations and raw text
    typing: RequestQueue  # of completions while somebody types: on a line of their own where engines can be shared
    completer: Completer  # over the assistant of ``typing``: used by its requests alone
    metrics: Metrics
    _: KW_ONLY
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


async def events_of(service: Service, http: HttpRequest, requests: Sequence[Request]) -> AsyncGenerator[Event, None]:
    """The events of ``requests``, one after the other and each ending with its Done: one entry of the queue.

    Raises SpectraError, RequestCancelledError among them.
    """

    def counted(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Done):  # here and not below, where nobody may be listening any more
                service.metrics.count_answer(event)
            yield event

    def work(assistant: Assistant) -> Iterator[Event]:
        first, *others = requests
        return counted(_answered(assistant, assistant.generate(first), others))

    queue = service.typing if requests[0].kind == "complete" else service.queue
    job = queue.submit(work)
    begun, n_ended = False, 0
    async with cancelled_with(http, job):
        async for event in job.events():
            if job.ending and isinstance(event, Done) and event.finish_reason == "cancelled" and not begun:
                break  # an empty answer would look like one
            begun = begun or isinstance(event, Text)
            n_ended += isinstance(event, Done)
            yield event  # to the queue's end, not the Done's: who asks again at once must find it idle
    if not n_ended:
        raise job.why_none()


def _answered(assistant: Assistant, events: Iterator[Event], others: Sequence[Request]) -> Iterator[Event]:
    """``events`` of the first request, asked for already, and those of ``others`` unless one is cancelled."""
    for request in [*others, None]:
        for event in events:
            yield event
            if isinstance(event, Done) and event.finish_reason == "cancelled":
                return
        if request:
            events = assistant.generate(request)

"""One engine, one request at a time, many clients: requests wait their turn, and one that nobody wants any more ends.

A thread drives the assistant; what it yields arrives in the event loop of whoever asked. Knows nothing of protocols.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from spectra_local.errors import SpectraError, WorkerError
from spectra_local.protocol import Assistant, ModelInfo

Work = Callable[[Assistant], Iterator[Any]]
"""What a request does with the assistant once it has it; what it yields goes to the one who asked. Best asks for all
when it is called: a cancel counts from then on."""

_END = object()


class QueueFullError(SpectraError):
    """More requests wait than the server allows."""


class RequestCancelledError(SpectraError):
    """Nobody waits for the answer any more: the connection is closed, or a newer request took its place."""

    def __init__(self) -> None:
        super().__init__("the request was cancelled before its answer was ready")


class ServerEndingError(SpectraError):
    """The server is ending and takes no more requests, nor finishes those it has."""

    def __init__(self) -> None:
        super().__init__("the server is ending; ask again when it runs")


class AnswerCutError(SpectraError):
    """The server is ending, and so does an answer of which the client has a part."""

    def __init__(self) -> None:
        super().__init__("the server is ending: the answer is cut off here")


class Job:
    """One request: ``events`` yields what its work yields."""

    def __init__(self, work: Work, cancel: Callable[["Job"], None]) -> None:
        self.work = work
        self.cancelled = False
        self.ending = False  # cancelled because the server ends
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Any] = asyncio.Queue()

    def cancel(self) -> None:
        """Ends the request soon, running or waiting. No effect on one that has ended."""
        self._cancel(self)

    def why_none(self) -> SpectraError:
        """What to tell one who waits for an answer that does not come."""
        return ServerEndingError() if self.ending else RequestCancelledError()

    async def events(self) -> AsyncIterator[Any]:
        """What the work yields. Raises SpectraError. A request cancelled before its turn yields nothing."""
        while (item := await self._events.get()) is not _END:
            if isinstance(item, Exception):
                raise item
            yield item

    def post(self, item: Any) -> None:
        """Hands ``item`` to the loop that waits for it; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._events.put_nowait, item)


class RequestQueue:
    """Runs requests on one loaded assistant, first come first served."""

    def __init__(self, assistant: Assistant, *, max_waiting: int = 64) -> None:
        """``assistant`` is loaded already. Beside the one that is being answered at most ``max_waiting`` wait; the next
        is refused."""
        self._assistant = assistant
        self._max_waiting = max_waiting
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._latest: dict[str, Job] = {}  # by client: the request that a newer one replaces
        self._closed = False
        self._changed = threading.Condition()  # its lock may be taken again by the thread that holds it
        self._thread = threading.Thread(target=self._run, name="requests", daemon=True)
        self._thread.start()

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        return self._assistant.info

    @property
    def n_waiting(self) -> int:
        """Requests whose turn has not come."""
        return len(self._waiting)

    @property
    def n_running(self) -> int:
        """1 while a request is being answered, else 0."""
        return int(self._running is not None)

    def submit(self, work: Work, *, client: str | None = None, replaces: Sequence[str] = ()) -> Job:
        """Queues ``work``, cancelling unfinished requests of the clients it ``replaces``. Raises QueueFullError."""
        job = Job(work, self._cancel)
        with self._changed:
            for older in [self._latest[name] for name in replaces if name in self._latest]:
                self._cancel(older)
            if self._closed:
                raise ServerEndingError
            if len(self._waiting) + self.n_running > self._max_waiting:
                raise QueueFullError(f"{len(self._waiting)} requests are waiting already; try again later")
            if client is not None:
                self._latest[client] = job
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def end(self) -> None:
        """Cancels the running request and the waiting ones, and takes no more. Waits for nothing."""
        with self._changed:
            self._closed = True
            for job in (*self._waiting, *([self._running] if self._running else [])):
                job.ending = True
                self._cancel(job)
            self._changed.notify_all()

    def close(self, timeout: float = 2.0) -> None:
        """Ends the running request and the waiting ones; the assistant is the caller's to close."""
        self.end()
        self._thread.join(timeout)

    def _cancel(self, job: Job) -> None:
        with self._changed:
            job.cancelled = True
            if job is self._running:
                self._assistant.cancel()
            elif job in self._waiting:
                self._waiting.remove(job)
                self._forget(job)
                job.post(_END)

    def _forget(self, job: Job) -> None:
        for client in [client for client, latest in self._latest.items() if latest is job]:
            del self._latest[client]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                job = self._running = self._waiting.popleft()
            try:
                if not job.cancelled:
                    self._answer(job)
            except Exception as error:  # of the request, or a defect of ours: the next one must not suffer for it
                job.post(error)
            with self._changed:
                self._running = None
                self._forget(job)
            job.post(_END)

    def _answer(self, job: Job) -> None:
        try:
            events = job.work(self._assistant)
            if job.cancelled:  # perhaps before the assistant was asked, who then took it for an earlier request
                self._assistant.cancel()
            for event in events:
                job.post(event)
                if job.cancelled:
                    self._assistant.cancel()  # again: some work asks the assistant late, or more than once
        except WorkerError:
            # The process that ran the model is gone; this request is lost, the next finds a new one.
            for _ in self._assistant.load():
                pass
            raise

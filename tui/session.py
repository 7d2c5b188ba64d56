"""The one thread that owns the model: jobs go in, reports come out of a queue that a screen drains when it repaints.

Knows nothing of widgets. A thread and a queue rather than a call into the app per token: the latter slows the model.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue

from spectra_local.errors import SpectraError, WorkerError
from spectra_local.protocol import Assistant, Done, Request, Timings
from tui.adapter import Failed, Loaded, Report, Unloaded

OpenAssistant = Callable[[], Assistant]
Work = Callable[[Assistant], Generator[object, None, None]]


@dataclass(frozen=True, slots=True)
class _Ask:
    ticket: int
    request: Request


@dataclass(frozen=True, slots=True)
class Ended:
    """The last thing that a job delivers. ``error`` is why it ended early, None where it did not."""

    error: Exception | None = None
    cancelled: bool = False


class Job:
    """Work on the model besides the chat's, in its turn. ``deliver`` is called in the model's thread."""

    def __init__(self, work: Work, deliver: Callable[["Job", object], None]) -> None:
        self.work = work
        self.deliver = deliver
        self.cancelled = False


class _Load:
    """Open the model, closing the one before."""


class _Unload:
    """Close the model; its process ends, and with it goes its memory."""


class Session:
    """Loads an assistant and runs requests on it, one after the other, in a thread of its own."""

    def __init__(self, open_assistant: OpenAssistant) -> None:
        """``open_assistant`` is called in the thread: it may take its time, and may raise SpectraError."""
        self._open_assistant = open_assistant
        self._assistant: Assistant | None = None
        self._jobs: SimpleQueue[_Load | _Unload | _Ask | Job | None] = SimpleQueue()
        self._reports: SimpleQueue[tuple[int | None, Report]] = SimpleQueue()
        self._tickets = count(1)
        self._wanted: int | None = None  # the request whose reports are still of interest
        self._cancelled: int | None = None
        self._running: Job | None = None
        self._answering = False
        self._changing = threading.Lock()  # of what runs: a cancel must not reach the job after the one it is for
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    def load(self) -> None:
        """Loads the model, or loads it again; reports LoadProgress, then Loaded or Failed."""
        if not self._thread.is_alive():
            self._thread.start()
        self._jobs.put(_Load())

    def switch(self, open_assistant: OpenAssistant) -> None:
        """Ends the running request and loads another model; the one before is freed first."""
        self._interrupt()
        self._open_assistant = open_assistant
        self.load()

    def unload(self) -> None:
        """Ends the running request and frees the model; ``load`` brings it back. Reports Unloaded."""
        self._interrupt()
        self._jobs.put(_Unload())

    @property
    def is_working(self) -> bool:
        """Whether something is asked of the model at this moment. From any thread."""
        return self._answering or self._running is not None

    def ask(self, request: Request) -> None:
        """Queues a request; its events are reported, ending with Done or Failed."""
        self._wanted = next(self._tickets)
        self._jobs.put(_Ask(self._wanted, request))

    def run(self, job: Job) -> None:
        """Queues work that is not the chat's; what it yields is delivered, then Ended."""
        self._jobs.put(job)

    def stop(self, job: Job) -> None:
        """Ends a job soon, or before it begins; other work goes on."""
        job.cancelled = True
        with self._changing:
            if self._running is job and self._assistant is not None:
                self._assistant.cancel()

    def cancel(self) -> None:
        """Ends the running request soon; its Done is still reported. One that has not begun never does."""
        with self._changing:
            self._cancelled = self._wanted
            if self._answering and self._assistant is not None:  # while it is loaded, that would end the loading
                self._assistant.cancel()

    def abandon(self) -> None:
        """Cancels, and reports nothing more of that request."""
        self.cancel()
        self._wanted = None

    def drain(self) -> list[Report]:
        """All that was reported since the last call; never blocks."""
        reports: list[Report] = []
        while True:
            try:
                ticket, report = self._reports.get_nowait()
            except Empty:
                return reports
            if ticket is None or ticket == self._wanted or (isinstance(report, Failed) and not report.loaded):
                reports.append(report)

    def close(self, timeout: float) -> None:
        """Ends the running request and frees the model, waiting at most ``timeout`` seconds for it."""
        self._interrupt()
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _interrupt(self) -> None:
        """Ends whatever runs, loading too."""
        if (job := self._running) is not None:
            self.stop(job)
        with self._changing:
            self._cancelled = self._wanted
            if job is None and self._assistant is not None:
                self._assistant.cancel()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, _Load):
                self._load()
            elif isinstance(job, _Unload):
                self._close_assistant()
                self._reports.put((None, Unloaded()))
            elif isinstance(job, Job):
                self._run(job)
            else:
                self._answer(job)
        self._close_assistant()

    def _load(self) -> None:
        self._close_assistant()
        try:
            self._assistant = self._open_assistant()
            for progress in self._assistant.load():
                self._reports.put((None, progress))
            self._reports.put((None, Loaded(self._assistant.info)))
        except Exception as error:
            self._close_assistant()
            self._reports.put((None, Failed(error, loaded=False)))

    def _run(self, job: Job) -> None:
        with self._changing:
            self._running = job
        try:
            if not job.cancelled:
                self._deliver(job)
            ended = Ended(cancelled=job.cancelled)
        except WorkerError as error:
            self._close_assistant()
            self._reports.put((None, Failed(error, loaded=False)))
            ended = Ended(error)
        except Exception as error:
            ended = Ended(error)
        with self._changing:
            self._running = None
        job.deliver(job, ended)

    def _deliver(self, job: Job) -> None:
        if self._assistant is None:
            raise SpectraError("no model is loaded")
        with closing(job.work(self._assistant)) as items:  # closing ends the request
            for item in items:
                if job.cancelled:  # perhaps before the request began, which then did not notice
                    break
                job.deliver(job, item)

    def _answer(self, job: _Ask) -> None:
        try:
            with self._changing:
                if self._cancelled == job.ticket:
                    self._reports.put((job.ticket, Done("cancelled", Timings(), 0, 0)))
                    return
                if self._assistant is None:
                    raise WorkerError("No model is loaded.")
                events = self._assistant.generate(job.request)  # from this call on a cancel counts
                self._answering = True
            for event in events:
                self._reports.put((job.ticket, event))
        except WorkerError as error:
            self._close_assistant()
            self._reports.put((job.ticket, Failed(error, loaded=False)))
        except Exception as error:
            self._reports.put((job.ticket, Failed(error, loaded=True)))
        finally:
            with self._changing:
                self._answering = False

    def _close_assistant(self) -> None:
        assistant, self._assistant = self._assistant, None
        if assistant is not None:
            assistant.close()

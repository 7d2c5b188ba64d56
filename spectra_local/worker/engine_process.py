"""The same engine in a process of its own: a child, or one that another program of this user has started.

A crash in native code, a hostile model or an exhausted memory then ends that process and not the chat; and whatever
native code prints goes to the log. Knows nothing of how the two are connected.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from spectra_local.errors import SpectraError, WorkerError
from spectra_local.protocol import (
    Done,
    EngineOptions,
    Event,
    LoadProgress,
    ModelInfo,
    Notice,
    PromptProgress,
    Request,
    Text,
    Timings,
)
from spectra_local.worker.connection import ChildConnection, Connection, EngineEndedError
from spectra_local.worker.continuation import Told
from spectra_local.worker.descent import CRASHES, Descent
from spectra_local.worker.meeting_point import MeetingPoint, meeting_point, own_meeting_point
from spectra_local.worker.starting import connect_or_start

_CANCELLED = Done("cancelled", Timings(), 0, 0)
_MOST_STARTS = 6  # of a process for one request: more than the ladder has steps
# By an engine that another program has started and that ends: then it may end for long, or whoever answers is none.
_MOST_SENT_AWAY = 2
_ENDS_AGAIN = (
    "the process that runs the model ends again and again; 'spectra-chat doctor' names the log that may say why"
)


@dataclass(eq=False, slots=True)
class _Asked:
    """A load or a request, from the call on: what a cancel is meant for."""

    cancelled: bool = False
    number: int = 0  # of those sent over the present connection; 0: not sent


class EngineProcess:
    """An Engine in another process: same verbs, same events. See ``spectra_local.protocol.Assistant``."""

    def __init__(self, path: Path | str, options: EngineOptions | None = None, *, has_lines: bool = False) -> None:
        """``has_lines``: there may be lines ``beside`` this one also where the engine is not shared."""
        self._has_lines = has_lines
        self._own_point: MeetingPoint | None = None
        self._path = Path(path).absolute()
        self._options = options or EngineOptions()
        self._connection: Connection | None = None
        self._info: ModelInfo | None = None
        self.n_requests = 0
        self._asked = _Asked()  # the latest
        self._asking = threading.Lock()  # of what a cancel is meant for
        self._descent: Descent | None = None  # made when a process is first started: it reads a file
        self._has_decoded = False  # the process that is connected now
        self._gone = ""  # how the process ended, where loading the model again was cancelled
        self._notice = ""  # of the kernels, to be said once
        self.tell: Callable[[str], object] | None = None  # takes such a notice; None: it comes with the answer

    def load(self) -> Iterator[LoadProgress]:
        """Starts the process and loads the model in it, or joins one that has it. Raises SpectraError.

        A process that crashes meanwhile is started again, one step down the ladder of kernels.
        """
        self._asked = _Asked()
        return self._start()

    def _start(self, ended: str = "") -> Iterator[LoadProgress]:
        n_sent_away = 0
        for _ in range(_MOST_STARTS):
            started = time.time()
            try:
                self._leave()  # two models at once may not fit into memory
                join = n_sent_away < _MOST_SENT_AWAY
                yield from self._connect(self._connect_or_start(ended, join=join))
                if self.info.cost_time >= started:  # loading has decoded, to measure
                    self._notice = self._worked()
                return
            except EngineEndedError as error:
                self._take_in(error)
                n_sent_away += error.shared
                ended = error.how
        raise WorkerError(_ENDS_AGAIN)

    def _connect_or_start(self, ended: str, *, join: bool) -> Connection:
        self._descent = self._descent or Descent()
        return connect_or_start(self._path, self._options, self._point(), self._descent.step, ended, join=join)

    def _take_in(self, error: EngineEndedError) -> None:
        """Returns where another start may help; raises ``error``, or what is to be said instead, where not."""
        if error.signal in CRASHES:
            assert self._descent
            self._descent.after(error, had_decoded=self._has_decoded)
        elif not error.shared:  # where it was shared, its parent or our own next process will know how it ended
            raise error

    def beside(self) -> "EngineProcess | None":
        """A further line to the same loaded engine, for requests that need not wait for those of this one.

        None where there are none.
        """
        point = self._point()
        line = point.joined() if point else None
        if line is None or line.pid != self.pid:
            if line:
                line.close()
            return None
        other = EngineProcess(self._path, self._options)
        other._own_point = self._own_point
        try:
            for _ in other._connect(line):
                pass
        except EngineEndedError:
            other.close()
            return None
        return other

    def _point(self) -> MeetingPoint | None:
        if self._options.share:
            return meeting_point(self._path, self._options)
        if self._has_lines and self._own_point is None:
            self._own_point = own_meeting_point()
        return self._own_point

    def _connect(self, connection: Connection) -> Iterator[LoadProgress]:
        with self._asking:
            self._connection, self.n_requests, self._has_decoded = connection, 0, False
            self._asked.number = 0
            cancelled = self._asked.cancelled
        if cancelled:  # before there was a process to hear it
            connection.send({"cancel": 0})
        for item in connection.receive():
            if isinstance(item, ModelInfo):
                self._info = item
                return
            yield item

    @property
    def info(self) -> ModelInfo:
        """The loaded model, also while its process is started again. Raises SpectraError before ``load`` has ended."""
        if self._info is None:
            raise SpectraError("no model is loaded")
        return self._info

    def generate(self, request: Request) -> Generator[Event, None, None]:
        """As Engine.generate. Text events come at most 11 times a second, each with all since the one before.

        Where the process has ended since the last request, the model is loaded again first. Where native code crashes
        meanwhile, the answer goes on in a process one step down the ladder of kernels.
        """
        asked = self._asked = _Asked()
        return self._generate(request, asked)

    def _generate(self, request: Request, asked: _Asked) -> Generator[Event, None, None]:
        finished = False
        try:
            for item in self._answered(request, asked):
                finished = isinstance(item, Done)
                yield item
                if finished:
                    return
        except SpectraError:
            finished = True
            raise
        finally:
            # The reader lost interest: the next request must not find this one's events, nor be cancelled for it.
            if not finished and asked.number:
                self._cancel(asked)
                with contextlib.suppress(SpectraError):
                    for item in self._connected().receive():
                        if isinstance(item, Done):
                            break

    def _answered(self, request: Request, asked: _Asked) -> Iterator[Event]:
        told, begun = Told(request), False
        if self._gone:
            self._restart(self._gone, asked)
        elif self._connected().is_over:  # it ended while nothing was asked of it: nothing is lost but time
            self._restart(self._connected().ended().how, asked)
        for _ in range(_MOST_STARTS):
            rest = told.rest()
            if isinstance(rest, Done):
                yield told.add(rest)
                return
            try:
                for event in self._sent(rest, asked):
                    begun = True
                    if not self._has_decoded and (notice := self._decoded(event)):
                        if self.tell:
                            self.tell(notice)
                        else:
                            yield Notice(notice)
                    yield told.add(event)
                    if isinstance(event, Done):
                        return
            except EngineEndedError as error:
                if begun or error.signal in CRASHES:
                    self._take_in(error)
                if not told.can_go_on:
                    raise
                begun = True
                self._restart(error.how, asked)
        raise WorkerError(_ENDS_AGAIN)

    def _restart(self, ended: str, asked: _Asked) -> None:
        """Where ``asked`` is cancelled meanwhile there is no process in the end: the next request starts one."""
        self._gone = ""
        try:
            for _ in self._start(ended):
                pass
        except WorkerError:
            raise
        except SpectraError:
            if not asked.cancelled:
                raise
            self._leave()
            self._gone = ended

    def _decoded(self, event: Event) -> str:
        """Notes the first sign that the process can decode; returns what is to be said of its kernels."""
        self._has_decoded = isinstance(event, Text) or (isinstance(event, PromptProgress) and event.done > 0)
        if not self._has_decoded:
            return ""
        notice = self._worked()
        return self.take_notice() or notice

    def _worked(self) -> str:
        """Remembers the kernels of a process that we started: another program's has kernels of its choice."""
        is_ours = isinstance(self._connection, ChildConnection)
        return self._descent.worked() if is_ours and self._descent else ""

    def _sent(self, request: Request, asked: _Asked) -> Iterator[Event]:
        with self._asking:
            if asked.cancelled:
                return iter([_CANCELLED])
            connection = self._connected()
            self.n_requests += 1
            asked.number = self.n_requests
        connection.send(request)
        return connection.receive()

    def take_notice(self) -> str:
        """What is to be said of the kernels that loading has found, once; the next answer says it where nobody took
        it."""
        notice, self._notice = self._notice, ""
        return notice

    def cancel(self) -> None:
        """Ends the running request, or the load, soon. Requests of other programs go on."""
        self._cancel(self._asked)

    def _cancel(self, asked: _Asked) -> None:
        with self._asking:
            asked.cancelled = True
            connection, number = self._connection, asked.number
        if connection is not None:
            with contextlib.suppress(WorkerError):
                connection.send({"cancel": number})

    def close(self) -> None:
        """Leaves the process; it ends, and with it goes the model's memory, once nobody else uses it."""
        self._leave()
        self._info, self._gone = None, ""
        if self._own_point and self._has_lines:
            self._own_point.forget()

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None where none is connected."""
        return self._connection.pid if self._connection else None

    def _connected(self) -> Connection:
        if self._connection is None:
            raise WorkerError("no model is loaded")
        return self._connection

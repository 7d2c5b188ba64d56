"""One engine for many programs: requests in the order of their urgency, then as they came; one a program at a time.

A completion, which somebody awaits who types, goes between two tokens of a conversation's answer. What nobody waits for
gives way to anything and begins anew afterwards. A long prompt becomes tokens beside the engine: nobody else has to
wait. A program that leaves takes its request with it; when the last one is gone the process ends. Conversations of
different programs share one KV cache: each keeps what its prompt has in common with the one before it, and evicts the
rest.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line
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
from spectra_local.worker.client import Client
from spectra_local.worker.connection import GOES_ON
from spectra_local.worker.last_words import Recorder
from spectra_local.worker.reception import Reception

if TYPE_CHECKING:
    from spectra_local.engine import Engine
    from spectra_local.prompts import Prompt

# Pieces of an answer are gathered for so long before they are sent: each message wakes the parent on a core that
# decodes. The app shows 10 a second: at 30 a second it reached 0.84 of ask's tokens/s on 2 cores, so 0.94. A suggestion
# is short, and the sooner its end is seen, the sooner it is shown: each pass is sent.
_GATHER_SECONDS = 1 / 11
_FAREWELL_SECONDS = 1.0  # for what was learned to be saved
_TYPING = 2  # a Request's urgency
_MOST_TURNS = 2  # of one client: a request may come before the one that was just answered is off the list
_LONG = 1 << 15  # characters; fewer are tokens within some 10 ms
_CANCELLED = Done("cancelled", Timings(), 0, 0)
_NOTED = Done("stop", Timings(), 0, 0)
_WAITING_SECONDS = 1.5  # after so long somebody who waits behind other programs is told why; a suggestion takes less
_WAITS = Notice(
    "The model is answering another program; this request waits its turn. --own-engine would load the model apart."
)


@dataclass(eq=False, slots=True)
class _Turn:
    client: Client
    number: int  # of the client's requests
    request: Request
    cancelled: bool = False
    displaced: bool = False  # to begin anew: nobody waits for it, and somebody waits for another
    prompt: "Prompt | None" = None  # where it was read beside the engine
    is_being_read: bool = False
    answered: bool = False  # a lesson that was acknowledged, and is learned when there is time

    @property
    def urgency(self) -> int:
        return 0 if self.answered else self.request.urgency

    def post(self, item: Event | SpectraError) -> None:
        if not self.answered:
            self.client.post(item)


class EngineServer:
    """Loads a model and answers clients until the last one leaves. ``run`` in one thread, the rest from any."""

    def __init__(
        self, path: str, options: EngineOptions, reception: Reception | None, recorder: Recorder | None = None
    ) -> None:
        """``reception``, where there is one, lets further clients in; ``recorder`` keeps what llama.cpp says."""
        self._path = path
        self._options = options
        self._reception = reception
        self._recorder = recorder
        self._engine: Engine | None = None
        self._clients: set[Client] = set()
        self._waiting: deque[_Turn] = deque()
        self._running: list[_Turn] = []  # the last one runs, those before it rest between two of their tokens
        self._n_being_read = 0  # long prompts, also such as nobody wants any more
        self._latest: LoadProgress | ModelInfo | None = None  # what a client that joins is told
        self._load_unwanted = False
        self._leaving = False
        self._changed = threading.Condition()
        self._finished = threading.Event()

    def admit(self, client: Client) -> None:
        """Answers ``client`` from now on; one that comes when all others have left is sent away."""
        with self._changed:
            if self._leaving:
                client.close()
                return
            self._clients.add(client)
            if self._latest is not None:
                client.post(self._latest)
        threading.Thread(target=self._listen, args=(client,), name="listen", daemon=True).start()

    def run(self) -> None:
        """Loads, answers, and returns once nobody is left."""
        if self._reception:
            self._reception.open(self.admit)
        from spectra_local.engine import Engine  # the socket listens before numpy and llama.cpp are imported

        self._describe()
        try:
            self._load(Engine(self._path, self._options))
        except SpectraError as error:
            self._dismiss_all(None if self._load_unwanted else error)
            return
        while turn := self._next_turn():
            self._answer(turn)
        for turn in [turn for turn in self._waiting if turn.answered]:
            self._answer(turn)
        with self._changed:  # who reads uses the model
            self._changed.wait_for(lambda: not self._n_being_read)
        if self._engine:
            self._engine.close()
        self._finished.set()

    def _describe(self) -> None:
        """What there is to know should native code crash: to the log, and to the parent."""
        from spectra_local.llama import native, processor

        if self._recorder:
            native.record_to(self._recorder.line)
        build = native.system_info()
        if self._recorder:
            self._recorder.describe(build)
        path, step = printable_line(self._path), native.step().name
        logging.info("loading %s with kernels %s; library: %s; processor: %s", path, step, build, processor.name())

    def _load(self, engine: "Engine") -> None:
        with self._changed:
            self._engine = engine
            loading = engine.load()  # from now on a cancel counts
            if self._load_unwanted:
                engine.cancel()
        for progress in loading:
            self._tell_all(progress)
        self._tell_all(engine.info)

    def _tell_all(self, news: LoadProgress | ModelInfo) -> None:
        with self._changed:
            self._latest = news
            for client in self._clients:
                client.post(news)

    def _dismiss_all(self, error: SpectraError | None) -> None:
        """``error`` None: one who gave up loading was told so; whoever came meanwhile starts an engine of its own."""
        with self._changed:
            self._leave()
            clients = list(self._clients)
        for client in clients:
            if error is not None:
                client.post(error)
            client.close()
        for client in clients:
            client.flush()

    def _leave(self) -> None:
        if self._leaving:
            return  # another engine may have taken the place at the door
        self._leaving = True
        if self._reception:
            self._reception.close()

    # --- turns -------------------------------------------------------------------------------------------------

    def _next_turn(self) -> _Turn | None:
        with self._changed:
            self._changed.wait_for(lambda: self._leaving or any(not turn.is_being_read for turn in self._waiting))
            return None if self._leaving else self._taken()

    def _taken(self, above: int = -1) -> _Turn | None:
        """The next turn of those that are more urgent than ``above``."""
        urgent = [turn for turn in self._waiting if turn.urgency > above and not turn.is_being_read]
        if not urgent:
            return None
        turn = max(urgent, key=lambda turn: turn.urgency)
        self._waiting.remove(turn)
        return turn

    def _answer(self, turn: _Turn) -> None:
        assert self._engine
        try:
            with self._changed:
                self._running.append(turn)
                # Forgets cancels, which were of others.
                events: Iterator[Event] = self._engine.generate(turn.request, turn.prompt)
                if turn.cancelled:
                    self._engine.cancel()
            if turn.request.background:
                self._post_unless_displaced(turn, list(events))
                return
            events = self._interrupted(turn, events)
            for event in events if turn.request.kind == "complete" else _gathered(events):
                turn.post(event)
        except SpectraError as error:
            turn.post(error)
        except Exception as error:  # a defect, or a program that sends nonsense: the others must not suffer for it
            logging.exception("a request failed")
            turn.post(SpectraError(f"the request failed: {error!r}"))
        finally:
            with self._changed:
                self._running.remove(turn)

    def _interrupted(self, turn: _Turn, events: Iterator[Event]) -> Iterator[Event]:
        """The events of ``turn``, with completions of other programs answered in between."""
        assert self._engine
        for event in events:
            yield event
            if turn.urgency >= _TYPING or turn.request.count > 1 or not _may_rest_after(event):
                continue
            with self._changed:
                urgent = self._taken(above=_TYPING - 1) if self._engine.can_pause else None
            if urgent:
                with self._engine.pause():
                    self._answer(urgent)
                with self._changed:
                    if turn.cancelled:  # meanwhile, when that must not end the other
                        self._engine.cancel()

    def _post_unless_displaced(self, turn: _Turn, events: list[Event]) -> None:
        last = events[-1] if events else _CANCELLED
        with self._changed:
            if turn.displaced and not turn.cancelled and isinstance(last, Done) and last.finish_reason == "cancelled":
                turn.displaced = False
                self._waiting.appendleft(turn)
                return
        for event in events:
            turn.post(event)

    # --- what clients say --------------------------------------------------------------------------------------

    def _listen(self, client: Client) -> None:
        try:
            for message in client.messages():
                take = self._queue if isinstance(message, Request) else self._cancel
                if not take(client, message):
                    break
        finally:  # whatever it sent: nobody may wait for one that nobody listens to
            self._dismiss(client)

    def _queue(self, client: Client, request: Request) -> bool:
        """False where the client does not wait for its answers: then it is none of ours."""
        with self._changed:
            turns = [*self._waiting, *self._running]
            if sum(turn.client is client and not turn.answered for turn in turns) >= _MOST_TURNS:
                return False
            client.n_requests += 1
            if client.n_requests <= client.cancelled:  # the cancel overtook it
                client.post(_CANCELLED)
            else:
                turn = _Turn(client, client.n_requests, request)
                self._waiting.append(turn)
                if turns and request.accepted is not None:  # who types must not wait for a lesson to be learned
                    turn.answered = True
                    client.post(_NOTED)
                elif turns:
                    timer = threading.Timer(_WAITING_SECONDS, self._explain_wait, (turn,))
                    timer.daemon = True
                    timer.start()
                if _is_long(request):
                    turn.is_being_read = True
                    self._n_being_read += 1
                    threading.Thread(target=self._read, args=(turn,), name="read", daemon=True).start()
                else:
                    self._make_way(turn)
        return True

    def _make_way(self, turn: _Turn) -> None:
        if self._running and self._running[-1].request.background and turn.urgency:
            self._running[-1].displaced = True
            self._stop_running()
        self._changed.notify_all()

    def _read(self, turn: _Turn) -> None:
        """Reads a long prompt in a thread of its own. It keeps its place in the queue, unless it is cancelled."""
        assert self._engine
        failed: SpectraError | None = None
        try:
            turn.prompt = self._engine.read(turn.request)
        except SpectraError as error:
            failed = error
        except Exception as error:  # as in _answer
            logging.exception("a prompt could not be read")
            failed = SpectraError(f"the request failed: {error!r}")
        with self._changed:
            turn.is_being_read = False
            self._n_being_read -= 1
            self._changed.notify_all()
            if failed and turn in self._waiting:
                self._waiting.remove(turn)
                turn.post(failed)
            elif turn in self._waiting:
                self._make_way(turn)

    def _explain_wait(self, turn: _Turn) -> None:
        with self._changed:
            if turn in self._waiting:
                turn.client.post(_WAITS)

    def _cancel(self, client: Client, message: Any) -> bool:
        if not (isinstance(message, dict) and isinstance(number := message.get("cancel"), int)):
            return False
        with self._changed:
            client.cancelled = max(client.cancelled, number)
            if isinstance(self._latest, ModelInfo):
                self._end_turns(client, number)
            else:
                client.post(SpectraError("loading was cancelled"))
                if len(self._clients) == 1:  # nobody else wants the model
                    self._leave()
                    self._cancel_load()
        return True

    def _cancel_load(self) -> None:
        self._load_unwanted = True
        if self._engine:
            self._engine.cancel()

    def _end_turns(self, client: Client, number: int) -> None:
        def is_ended(turn: _Turn) -> bool:
            return turn.client is client and turn.number <= number and not turn.answered

        for turn in filter(is_ended, self._running):
            turn.cancelled = True
            if turn is self._running[-1]:  # one that rests learns of it when it goes on
                self._stop_running()
        for turn in list(filter(is_ended, self._waiting)):
            self._waiting.remove(turn)
            client.post(_CANCELLED)

    def _stop_running(self) -> None:
        if self._engine:
            self._engine.cancel()

    def _dismiss(self, client: Client) -> None:
        with self._changed:
            self._end_turns(client, client.n_requests)
            self._clients.discard(client)
            if self._clients:
                client.post(GOES_ON)
                client.close()
                return
            self._leave()
            self._cancel_load()
            self._changed.notify_all()
        self._finished.wait(_FAREWELL_SECONDS)
        os._exit(0)  # native code may be deep in a call and needs no farewell


def _is_long(request: Request) -> bool:
    try:
        return request.n_chars > _LONG and request.accepted is None
    except TypeError:  # it is of wrong types: answering it fails, and says so
        return False


def _may_rest_after(event: Event) -> bool:
    """Whether a request that gave this event can rest: nothing of its last pass is needed any more."""
    return isinstance(event, Text) or (isinstance(event, PromptProgress) and event.done < event.total)


def _gathered(events: Iterator[Event]) -> Iterator[Event]:
    """The same events with neighbouring pieces of text joined for up to ``_GATHER_SECONDS``."""
    held: dict[int, Text] = {}  # by answer
    sent = 0.0
    for event in events:
        if isinstance(event, Text):
            before = held.get(event.answer)
            held[event.answer] = before.joined(event) if before else event
            if time.monotonic() - sent < _GATHER_SECONDS:
                continue
        yield from held.values()
        held.clear()
        if not isinstance(event, Text):
            yield event
        sent = time.monotonic()

"""One engine for many programs: requests in the order they came, one of each program at a time.

A program that leaves takes its request with it; when the last one is gone the process ends. Requests of different
programs share one KV cache: each keeps what its prompt has in common with the one before it, and evicts the rest.
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
from spectra_local.protocol import Done, EngineOptions, Event, LoadProgress, ModelInfo, Notice, Request, Text, Timings
from spectra_local.worker.client import Client
from spectra_local.worker.connection import GOES_ON
from spectra_local.worker.reception import Reception

if TYPE_CHECKING:
    from spectra_local.engine import Engine

# Pieces of an answer are gathered for so long before they are sent: each message wakes the parent on a core that
# decodes. The app shows 10 a second: at 30 a second it reached 0.84 of ask's tokens/s on 2 cores, so 0.94. A suggestion
# is short, and the sooner its end is seen, the sooner it is shown: each pass is sent.
_GATHER_SECONDS = 1 / 11
_FAREWELL_SECONDS = 1.0  # for what was learned to be saved
_MOST_TURNS = 2  # of one client: a request may come before the one that was just answered is off the list
_CANCELLED = Done("cancelled", Timings(), 0, 0)
_WAITING_SECONDS = 1.5  # after so long somebody who waits behind other programs is told why; a suggestion takes less
_WAITS = Notice("The model is answering another program; this request waits its turn.")


@dataclass(eq=False, slots=True)
class _Turn:
    client: Client
    number: int  # of the client's requests
    request: Request
    cancelled: bool = False


class EngineServer:
    """Loads a model and answers clients until the last one leaves. ``run`` in one thread, the rest from any."""

    def __init__(self, path: str, options: EngineOptions, reception: Reception | None) -> None:
        """``reception``, where there is one, lets further clients in."""
        self._path = path
        self._options = options
        self._reception = reception
        self._engine: Engine | None = None
        self._clients: set[Client] = set()
        self._waiting: deque[_Turn] = deque()
        self._running: _Turn | None = None
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

        try:
            self._load(Engine(self._path, self._options))
        except SpectraError as error:
            self._dismiss_all(error)
            return
        while turn := self._next_turn():
            self._answer(turn)
        if self._engine:
            self._engine.close()
        self._finished.set()

    def _load(self, engine: "Engine") -> None:
        with self._changed:
            self._engine = engine
        for progress in engine.load():
            self._tell_all(progress)
            if self._load_unwanted:
                engine.cancel()  # again: the first call may have come before loading began
        self._tell_all(engine.info)

    def _tell_all(self, news: LoadProgress | ModelInfo) -> None:
        with self._changed:
            self._latest = news
            for client in self._clients:
                client.post(news)

    def _dismiss_all(self, error: SpectraError) -> None:
        with self._changed:
            self._leave()
            clients = list(self._clients)
        for client in clients:
            client.post(error)
            client.close()
        for client in clients:
            client.flush()

    def _leave(self) -> None:
        self._leaving = True
        if self._reception:
            self._reception.close()

    # --- turns -------------------------------------------------------------------------------------------------

    def _next_turn(self) -> _Turn | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._leaving)
            if self._leaving:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def _answer(self, turn: _Turn) -> None:
        assert self._engine
        try:
            with self._changed:
                events = self._engine.generate(turn.request)  # forgets earlier cancels, which were of other requests
                if turn.cancelled:
                    self._engine.cancel()
            for event in events if turn.request.kind == "complete" else _gathered(events):
                turn.client.post(event)
        except SpectraError as error:
            turn.client.post(error)
        except Exception as error:  # a defect, or a program that sends nonsense: the others must not suffer for it
            logging.exception("a request failed")
            turn.client.post(SpectraError(f"the request failed: {error!r}"))
        finally:
            with self._changed:
                self._running = None

    # --- what clients say --------------------------------------------------------------------------------------

    def _listen(self, client: Client) -> None:
        for message in client.messages():
            take = self._queue if isinstance(message, Request) else self._cancel
            if not take(client, message):
                break
        self._dismiss(client)

    def _queue(self, client: Client, request: Request) -> bool:
        """False where the client does not wait for its answers: then it is none of ours."""
        with self._changed:
            turns = [*self._waiting, *([self._running] if self._running else [])]
            if sum(turn.client is client for turn in turns) >= _MOST_TURNS:
                return False
            client.n_requests += 1
            if client.n_requests <= client.cancelled:  # the cancel overtook it
                client.post(_CANCELLED)
            else:
                turn = _Turn(client, client.n_requests, request)
                self._waiting.append(turn)
                if turns:
                    timer = threading.Timer(_WAITING_SECONDS, self._explain_wait, (turn,))
                    timer.daemon = True
                    timer.start()
                self._changed.notify_all()
        return True

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
            elif len(self._clients) > 1:  # the others still want the model
                client.post(SpectraError("loading was cancelled"))
            else:
                self._cancel_load()
        return True

    def _cancel_load(self) -> None:
        self._load_unwanted = True
        if self._engine:
            self._engine.cancel()

    def _end_turns(self, client: Client, number: int) -> None:
        if self._running and self._running.client is client and self._running.number <= number:
            self._running.cancelled = True
            if self._engine:
                self._engine.cancel()
        for turn in [turn for turn in self._waiting if turn.client is client and turn.number <= number]:
            self._waiting.remove(turn)
            client.post(_CANCELLED)

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

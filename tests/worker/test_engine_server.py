"""Whose request comes next, who gives way, and what becomes of requests whose programs leave: a scripted engine."""

import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from fakes.scripted import GENEROUS_S, INFO, Gate, done
from fakes.waiting import wait_until

from spectra_local import wire
from spectra_local.errors import ContextFullError, SpectraError
from spectra_local.prompts import Prompt
from spectra_local.protocol import Done, EngineOptions, Event, LoadProgress, Request, Text, Timings
from spectra_local.worker.client import Client
from spectra_local.worker.engine_server import EngineServer


class Program:
    """One that asks over a line of its own."""

    def __init__(self, server: EngineServer) -> None:
        read, write = os.pipe()
        back_read, back_write = os.pipe()
        self._requests = os.fdopen(write, "wb", buffering=0)
        self._replies = os.fdopen(back_read, "rb")
        self.heard_by_server = os.fdopen(read, "rb")
        self.client = Client(self.heard_by_server, os.fdopen(back_write, "wb"))
        self.got: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        server.admit(self.client)

    def _read(self) -> None:
        with self._replies:
            for line in self._replies:
                self.got.put(wire.decode(line))
        self.got.put(None)

    def ask(self, text: str, **fields: Any) -> None:
        self.send(Request(prompt=text, **fields))

    def send(self, message: Any) -> None:
        self.write(wire.encode(message))

    def write(self, line: bytes) -> None:
        self._requests.write(line)

    def answer(self) -> tuple[str, str]:
        """The text of the next answer, and how it ended."""
        text = ""
        while True:
            event = self.got.get(timeout=GENEROUS_S)
            assert event is not None, "hung up"
            if isinstance(event, Text):
                text += event.text
            elif isinstance(event, Done):
                return text, event.finish_reason
            elif isinstance(event, Exception):
                return text, f"{type(event).__name__}: {event}"

    def hears_no_more(self) -> bool:
        while (event := self.got.get(timeout=GENEROUS_S)) is not None:
            assert not isinstance(event, (Text, Done))
        return True

    def leave(self) -> None:
        self._requests.close()


class Engine:
    """Answers with the request's words in capitals, once their gate is open where there is one; never rests."""

    can_pause = False
    info = INFO

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}
        self.reading_gates: dict[str, Gate] = {}
        self.prompts: list[Prompt | None] = []
        self.asked: list[str] = []
        self.closed = False
        self.cancelled = threading.Event()

    def load(self) -> Iterator[LoadProgress]:
        yield LoadProgress(1.0)

    def read(self, request: Request) -> Prompt:
        asked = (request.prompt or "").strip()
        if asked in self.reading_gates:
            self.reading_gates[asked].wait(threading.Event())
        if asked == "too long":
            raise ContextFullError("it does not fit")
        return Prompt([1, 2, 3])

    def generate(self, request: Request, prompt: Prompt | None = None) -> Iterator[Event]:
        self.cancelled.clear()
        self.prompts.append(prompt)
        self.asked.append(request.prompt or "")
        return self._events(request.prompt or "")

    def _events(self, asked: str) -> Iterator[Event]:
        if asked == "defect":
            raise RuntimeError("a defect")
        if asked in self.gates:
            self.gates[asked].wait(self.cancelled)
        if self.cancelled.is_set():
            yield Done("cancelled", Timings(), 0, 0)
            return
        yield Text(asked.upper())
        yield done()

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr("spectra_local.engine.Engine", lambda *_: engine)
    return engine


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set where the process would end."""
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda _: ended.set())
    return ended


Join = Callable[[], Program]


@pytest.fixture
def join(engine: Engine, ended: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[Join]:
    """One more program at a server that has loaded; in the end all leave, and so does the server."""
    server = EngineServer("model", EngineOptions(), None)
    programs = [Program(server)]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def join() -> Program:
        programs.append(Program(server))
        return programs[-1]

    yield join
    for each in engine.gates.values():
        each.open()
    for program in programs:
        program.leave()
    thread.join(GENEROUS_S)
    assert not thread.is_alive()
    assert ended.wait(GENEROUS_S)


def gate(engine: Engine, asked: str) -> Gate:
    engine.gates[asked] = Gate()
    return engine.gates[asked]


def test_who_joins_late_is_told_of_the_model(join: Join) -> None:
    program = join()
    program.ask("hi")
    assert program.answer() == ("HI", "stop")
    assert join().got.get(timeout=GENEROUS_S) == INFO


def test_who_joins_a_load_that_somebody_gave_up_is_sent_away_and_is_told_no_error(
    engine: Engine, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def load() -> Iterator[LoadProgress]:
        yield LoadProgress(0.5)
        begun.set()
        assert goes_on.wait(GENEROUS_S)
        raise SpectraError("loading was cancelled")

    monkeypatch.setattr(engine, "load", load)
    server = EngineServer("model", EngineOptions(), None)
    first = Program(server)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert begun.wait(GENEROUS_S)
    first.send({"cancel": 0})
    assert isinstance(first.got.get(timeout=GENEROUS_S), LoadProgress)
    wait_until(lambda: engine.cancelled.is_set())
    second = Program(server)
    goes_on.set()
    while (said := second.got.get(timeout=GENEROUS_S)) is not None:
        assert not isinstance(said, SpectraError)
    assert "cancelled" in str(first.got.get(timeout=GENEROUS_S))
    thread.join(GENEROUS_S)
    first.leave()
    second.leave()
    second.heard_by_server.close()  # nobody listens to one that was sent away
    assert ended.wait(GENEROUS_S)


def test_the_more_urgent_comes_first_then_who_came_first(join: Join, engine: Engine) -> None:
    running = gate(engine, "story")
    first = join()
    first.ask("story")
    assert running.reached.wait(GENEROUS_S)
    programs = [join() for _ in range(4)]
    for program, (asked, fields) in zip(
        programs,
        [("title", {"background": True}), ("chat", {}), ("other", {}), ("typing", {"kind": "complete"})],
        strict=True,
    ):
        program.ask(asked, **fields)
        wait_until(lambda n=program: n.client.n_requests == 1)
    running.open()
    assert [program.answer()[0] for program in programs] == ["TITLE", "CHAT", "OTHER", "TYPING"]
    assert engine.asked == ["story", "typing", "chat", "other", "title"]


def test_what_nobody_waits_for_gives_way_and_begins_anew(join: Join, engine: Engine) -> None:
    title = gate(engine, "title")
    first, second = join(), join()
    first.ask("title", background=True)
    assert title.reached.wait(GENEROUS_S)
    second.ask("chat")
    assert second.answer() == ("CHAT", "stop")
    title.open()
    assert first.answer() == ("TITLE", "stop")
    assert engine.asked == ["title", "chat", "title"]


def test_a_cancel_ends_its_own_request_and_none_after_it(join: Join, engine: Engine) -> None:
    running = gate(engine, "story")
    program = join()
    program.ask("story")
    assert running.reached.wait(GENEROUS_S)
    program.ask("next")
    program.send({"cancel": 1})
    assert program.answer() == ("", "cancelled")
    assert program.answer() == ("NEXT", "stop")


def test_a_cancel_of_what_waits_takes_it_off_the_list(join: Join, engine: Engine) -> None:
    running = gate(engine, "story")
    first, second = join(), join()
    first.ask("story")
    assert running.reached.wait(GENEROUS_S)
    second.ask("never")
    second.send({"cancel": 1})
    assert second.answer() == ("", "cancelled")
    running.open()
    assert first.answer() == ("STORY", "stop")
    assert engine.asked == ["story"]


def test_a_cancel_that_overtakes_its_request_counts(join: Join, engine: Engine) -> None:
    program = join()
    program.send({"cancel": 1})
    program.ask("never")
    program.ask("next")
    assert program.answer() == ("", "cancelled")
    assert program.answer() == ("NEXT", "stop")
    assert engine.asked == ["next"]


def test_a_program_that_leaves_takes_its_requests_with_it(join: Join, engine: Engine) -> None:
    running = gate(engine, "story")
    first, second = join(), join()
    first.ask("story")
    assert running.reached.wait(GENEROUS_S)
    first.ask("never")
    wait_until(lambda: first.client.n_requests == 2)
    second.ask("hi")
    first.leave()
    assert second.answer() == ("HI", "stop")
    assert engine.asked == ["story", "hi"]


def test_an_accepted_suggestion_is_noted_at_once_and_learned_after_what_others_wait_for(
    join: Join, engine: Engine
) -> None:
    running = gate(engine, "story")
    first, second, third = (join() for _ in range(3))
    first.ask("story")
    assert running.reached.wait(GENEROUS_S)
    second.ask("lesson", accepted="words", kind="complete")
    assert second.answer() == ("", "stop"), "before the story has ended"
    assert engine.asked == ["story"]
    third.ask("chat")
    wait_until(lambda: third.client.n_requests == 1)
    running.open()
    assert third.answer() == ("CHAT", "stop")
    wait_until(lambda: engine.asked == ["story", "chat", "lesson"])


def test_nobody_waits_for_a_long_prompt_to_be_read_but_who_sent_it(join: Join, engine: Engine) -> None:
    reading = engine.reading_gates["book"] = Gate()
    first, second = join(), join()
    first.ask("book".ljust(100_000))
    assert reading.reached.wait(GENEROUS_S)
    for asked in ("one", "two"):
        second.ask(asked)
        assert second.answer() == (asked.upper(), "stop")
    reading.open()
    assert first.answer()[0].strip() == "BOOK"
    assert engine.prompts == [None, None, Prompt([1, 2, 3])], "it is not read again"


def test_a_long_prompt_that_does_not_fit_is_refused_while_the_engine_answers(join: Join, engine: Engine) -> None:
    running = gate(engine, "story")
    first, second = join(), join()
    first.ask("story")
    assert running.reached.wait(GENEROUS_S)
    second.ask("too long".ljust(100_000))
    assert second.answer() == ("", "ContextFullError: it does not fit")
    running.open()
    assert first.answer() == ("STORY", "stop")
    assert engine.asked == ["story"]


@pytest.mark.parametrize("leaves", [True, False])
def test_a_long_prompt_that_nobody_wants_any_more_holds_nothing(join: Join, engine: Engine, leaves: bool) -> None:
    reading = engine.reading_gates["book"] = Gate()
    first, second = join(), join()
    first.ask("book".ljust(100_000))
    assert reading.reached.wait(GENEROUS_S)
    if leaves:
        first.leave()
    else:
        first.send({"cancel": 1})
        assert first.answer() == ("", "cancelled")
    second.ask("hi")
    assert second.answer() == ("HI", "stop")
    reading.open()
    second.ask("again")
    assert second.answer() == ("AGAIN", "stop")
    assert engine.asked == ["hi", "again"]


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n", b'{"cancel": "all"}\n', b"[]\n", b'{"type": "Popen"}\n'])
def test_nonsense_ends_its_sender_alone(join: Join, nonsense: bytes) -> None:
    rude, polite = join(), join()
    rude.write(nonsense)
    assert rude.hears_no_more()
    polite.ask("hi")
    assert polite.answer() == ("HI", "stop")


def test_who_asks_without_waiting_for_answers_is_sent_away(join: Join, engine: Engine) -> None:
    gate(engine, "story")
    program = join()
    for _ in range(3):
        program.ask("story")
    while program.got.get(timeout=GENEROUS_S) is not None:
        pass


def test_a_defect_ends_one_request_and_no_program(join: Join) -> None:
    program = join()
    program.ask("defect")
    assert "a defect" in program.answer()[1]
    program.ask("hi")
    assert program.answer() == ("HI", "stop")


def test_the_process_ends_with_its_last_program(
    engine: Engine, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EngineServer("model", EngineOptions(), None)
    first, second = Program(server), Program(server)
    threading.Thread(target=server.run, daemon=True).start()
    first.leave()
    assert first.hears_no_more()
    assert not ended.is_set()
    second.leave()
    assert ended.wait(GENEROUS_S)
    assert engine.closed
    late = Program(server)
    assert late.hears_no_more(), "one that comes then is sent away"
    late.leave()
    late.heard_by_server.close()

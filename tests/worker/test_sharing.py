"""Programs of one user share one engine's process: real clients, the real model, real sockets."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.waiting import wait_until

from spectra_local import wire
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.locations import runtime_dir
from spectra_local.protocol import Done, EngineOptions, Event, Message, Notice, Request, Text, Timings
from spectra_local.worker import EngineProcess, meeting_point

CAPITAL = Request(messages=(Message("user", "What is the capital of France? Answer in one sentence."),), max_tokens=24)
# It ends with the context, a pass for each token: also a fast machine is at it until it is cancelled.
STORY = Request(messages=(Message("user", "Tell a very long story about a cat."),), speculate=False)
COUNT = Request(prompt="1, 2, 3, 4, 5, 6,", max_tokens=6)
SHARED = EngineOptions(n_ctx=4096, share=True)
EXACT = EngineOptions(n_ctx=1024, share=True, exact=True)

Join = Callable[..., EngineProcess]


@pytest.fixture
def join(smollm2_path: Path, spectra_home: Path) -> Iterator[Join]:
    """Loads one more client; all are closed in the end."""
    with joining(smollm2_path) as join:
        yield join


@pytest.fixture(scope="module")
def _keeper(smollm2_path: Path, module_home: Path) -> Iterator[None]:
    with joining(smollm2_path) as join:
        join()
        yield


@pytest.fixture
def visit(
    smollm2_path: Path, _keeper: None, module_home: Path, spectra_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Join]:
    """As ``join``, where an engine is up already: it serves all tests that leave it alive."""
    monkeypatch.setenv("SPECTRA_HOME", str(module_home))
    with joining(smollm2_path) as join:
        yield join


@contextmanager
def joining(model: Path) -> Iterator[Join]:
    clients: list[EngineProcess] = []

    def join(options: EngineOptions = SHARED) -> EngineProcess:
        client = EngineProcess(model, options)
        clients.append(client)
        list(client.load())
        return client

    try:
        yield join
    finally:
        for client in clients:
            client.close()


def text_of(events: list[Event]) -> str:
    assert isinstance(events[-1], Done)
    return "".join(event.text for event in events if isinstance(event, Text))


def sockets() -> list[Path]:
    return list(runtime_dir().glob("*.sock"))


def is_running(pid: int | None) -> bool:
    assert pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


pytestmark = pytest.mark.model


def test_two_clients_have_one_process_and_each_its_own_answers(join: Join) -> None:
    first, second = join(EXACT), join(EXACT)  # what the one asks decides how much of the other's prompt is read again
    assert first.pid == second.pid
    assert first.info == second.info
    alone = [text_of(list(first.generate(request))) for request in (CAPITAL, COUNT)]
    answers: dict[int, list[str]] = {0: [], 1: []}

    def ask(number: int, client: EngineProcess, request: Request) -> None:
        answers[number] += [text_of(list(client.generate(request))) for _ in range(3)]

    threads = [threading.Thread(target=ask, args=a) for a in ((0, first, CAPITAL), (1, second, COUNT))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {0: [alone[0]] * 3, 1: [alone[1]] * 3}


def test_other_options_another_file_or_none_to_share_are_another_process(join: Join) -> None:
    pids = {join().pid, join(EngineOptions(n_ctx=512, share=True)).pid, join(EngineOptions(n_ctx=1024)).pid}
    assert len(pids) == 3


def test_the_first_may_leave_and_the_last_ends_it(join: Join) -> None:
    first, second = join(), join()
    pid = first.pid
    assert second.pid == pid
    first.close()
    assert text_of(list(second.generate(COUNT))).startswith(" 7, 8")
    third = join()
    assert third.pid == pid
    second.close()
    third.close()
    wait_until(lambda: not is_running(pid))
    assert sockets() == []


def test_a_cancel_ends_only_the_request_of_the_one_who_cancels(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    waiting = second.generate(COUNT)
    done: list[list[Event]] = []
    thread = threading.Thread(target=lambda: done.append(list(waiting)))
    thread.start()
    wait_until(lambda: second.n_requests == 1)
    second.cancel()
    thread.join(20)  # at once, though the first one's story goes on
    last = done[0][-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"
    assert any(isinstance(event, Text) and event.text for event in story)
    second_answer: list[str] = []
    thread = threading.Thread(target=lambda: second_answer.append(text_of(list(second.generate(COUNT)))))
    thread.start()
    first.cancel()
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"
    thread.join(30)
    assert second_answer[0].startswith(" 7, 8")


def test_a_completion_goes_between_two_tokens_of_a_long_answer(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    begun = [next(story) for _ in range(3)]
    assert text_of(list(second.generate(replace(COUNT, kind="complete")))).startswith(" 7, 8")
    after = [next(story) for _ in range(3)]
    assert all(isinstance(event, Text) for event in after), begun
    first.cancel()
    assert list(story)[-1].finish_reason == "cancelled"  # type: ignore[union-attr]


def test_a_cancel_reaches_an_answer_that_rests_and_not_the_completion_meanwhile(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    for _ in range(3):
        next(story)
    typing = second.generate(replace(COUNT, kind="complete", max_tokens=40))
    next(typing)
    first.cancel()
    last = list(typing)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason != "cancelled"
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled"


def test_what_nobody_waits_for_gives_way_and_is_answered_later(visit: Join) -> None:
    first = visit()
    answered: list[Event] = []

    def ask(n_tokens: int) -> None:
        answered[:] = first.generate(replace(STORY, max_tokens=n_tokens, background=True))

    for n_tokens in (100, 400, 1600):  # more on a machine that is done with fewer before it hears of the other
        answered.clear()
        n_asked = first.n_requests
        thread = threading.Thread(target=ask, args=(n_tokens,))
        thread.start()
        wait_until(lambda n=n_asked + 1: first.n_requests == n)
        second = visit()  # which takes longer than it takes the engine to begin with the other
        assert text_of(list(second.generate(COUNT))).startswith(" 7, 8")
        gave_way = not answered
        thread.join()
        assert isinstance(answered[-1], Done)
        assert answered[-1].timings.predicted_n == n_tokens
        if gave_way:
            return
    pytest.fail("it never gave way")


def test_an_accepted_completion_is_acknowledged_at_once_and_learned_later(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    (noted,) = second.generate(Request(prompt="the answer is ", accepted="forty-two", kind="complete"))
    assert noted == Done("stop", Timings(), 0, 0), "noted by the line, not learned by the engine"
    first.cancel()
    last = list(story)[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "cancelled", "it was acknowledged after the story only"
    with closing(Database()) as database:
        wait_until(lambda: "forty-two" in [t.text for t in Store(database).latest(first.info.fingerprint, 0, 10_000)])


def test_a_line_beside_another_leads_to_the_same_engine(visit: Join, join: Join) -> None:
    first = visit()
    second = first.beside()
    assert second
    assert (second.pid, second.info) == (first.pid, first.info)
    second.close()


def test_an_engine_of_ones_own_has_lines_too_and_nobody_else_finds_it(
    visit: Join, smollm2_path: Path, spectra_home: Path
) -> None:
    before = set(runtime_dir().iterdir())
    own = EngineProcess(smollm2_path, EngineOptions(n_ctx=1024), has_lines=True)
    list(own.load())
    second = own.beside()
    assert second
    assert second.pid == own.pid != visit().pid
    assert set(runtime_dir().iterdir()) > before
    story = own.generate(STORY)
    next(story)
    assert text_of(list(second.generate(replace(COUNT, kind="complete")))).startswith(" 7, 8")
    own.cancel()
    assert isinstance(list(story)[-1], Done)
    second.close()
    own.close()
    wait_until(lambda: set(runtime_dir().iterdir()) == before)


def test_who_waits_behind_a_long_answer_is_told_so(visit: Join) -> None:
    first, second = visit(), visit()
    story = first.generate(STORY)
    next(story)
    answer = second.generate(COUNT)
    assert isinstance(next(answer), Notice)
    first.cancel()
    list(story)
    assert text_of(list(answer)).startswith(" 7, 8")


def test_a_client_that_dies_takes_its_request_with_it(visit: Join, smollm2_path: Path) -> None:
    first = visit()
    code = (
        "import sys\nfrom spectra_local.protocol import *\nfrom spectra_local.worker import EngineProcess\n"
        f"client = EngineProcess({str(smollm2_path)!r}, EngineOptions(n_ctx=4096, share=True))\n"
        "list(client.load())\nstory = client.generate(Request(prompt='Once upon a time', speculate=False))\n"
        "next(story)\nprint(client.pid, flush=True)\nlist(story)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout
    assert int(other.stdout.readline()) == first.pid
    other.kill()
    other.wait()
    other.stdout.close()
    done = list(first.generate(COUNT))[-1]
    assert isinstance(done, Done)
    assert done.finish_reason == "length"


def test_when_a_shared_engine_is_killed_the_answer_goes_on_in_another_and_all_meet_there(join: Join) -> None:
    first, second = join(), join()
    story = second.generate(replace(STORY, max_tokens=60))
    begun = [next(story) for _ in range(3)]
    pid = first.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    done = [*begun, *story][-1]
    assert isinstance(done, Done)
    assert done.timings.predicted_n == 60
    answers = [
        threading.Thread(target=lambda client=client: list(client.generate(COUNT))) for client in (first, second)
    ]
    for answer in answers:
        answer.start()
    for answer in answers:
        answer.join(60)
    assert first.pid == second.pid != pid
    for client in (first, second):
        assert text_of(list(client.generate(COUNT))).startswith(" 7, 8")


def test_of_many_that_start_at_once_one_loads_the_model(join: Join, smollm2_path: Path) -> None:
    clients = [EngineProcess(smollm2_path, SHARED) for _ in range(4)]
    loads = [threading.Thread(target=lambda client=client: list(client.load())) for client in clients]
    for load in loads:
        load.start()
    for load in loads:
        load.join(60)
    assert len({client.pid for client in clients}) == 1
    for client in clients:
        client.close()


def test_a_socket_that_nobody_listens_at_is_replaced(join: Join) -> None:
    first = join()
    (path,) = sockets()
    os.kill(first.pid or 0, signal.SIGKILL)
    first.close()
    assert path.is_socket()
    second = join()
    assert join().pid == second.pid


def test_a_stopped_engine_keeps_nobody_waiting(join: Join) -> None:
    first = join()
    assert first.pid
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = join()
        assert second.pid != first.pid
        assert join().pid == second.pid
    finally:
        os.kill(first.pid, signal.SIGCONT)


def test_the_socket_is_private_and_an_open_folder_is_not_used(join: Join) -> None:
    first = join()
    assert runtime_dir().stat().st_mode & 0o777 == 0o700
    assert sockets()[0].stat().st_mode & 0o777 == 0o600
    runtime_dir().chmod(0o755)
    assert join().pid != first.pid


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 5000, b'{"hello": "0.0.0"}\n', b"[1]\n"])
def test_foreign_bytes_before_the_hello_end_that_line_alone(visit: Join, said: bytes) -> None:
    first = visit()
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(sockets()[0]))
        line.sendall(said)
        if not said:
            line.shutdown(socket.SHUT_WR)
        assert hung_up(line)
    assert text_of(list(first.generate(COUNT))).startswith(" 7, 8")


@pytest.mark.parametrize(
    "said", [b"nonsense\n", b"{}\n", b'{"cancel": "x"}\n', b'{"type": "Popen"}\n', b"[" * 9000 + b"\n"]
)
def test_foreign_bytes_after_the_hello_end_that_line_alone(visit: Join, said: bytes) -> None:
    first = visit()
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(sockets()[0]))
        line.sendall(wire.encode({"hello": wire.VERSION}))
        with line.makefile("rb") as replies:
            assert wire.decode(replies.readline())["pid"] == first.pid
            line.sendall(said)
            assert replies.read().count(b"\n") <= 2  # the model, and a farewell
    assert text_of(list(first.generate(COUNT))).startswith(" 7, 8")


def test_a_request_of_wrong_types_is_an_error_and_the_engine_goes_on(visit: Join) -> None:
    first, second = visit(), visit()
    with pytest.raises(Exception, match="failed"):
        list(second.generate(Request(prompt=7)))  # type: ignore[arg-type]
    assert text_of(list(first.generate(COUNT))).startswith(" 7, 8")


def test_one_that_listens_and_is_no_engine_is_passed_by(join: Join, smollm2_path: Path) -> None:
    point = meeting_point.meeting_point(smollm2_path, SHARED)
    assert point
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(point.socket))
        foreign.listen()

        def answer() -> None:
            line, _ = foreign.accept()
            line.sendall(b"220 smtp.example ESMTP\r\n")
            line.close()

        threading.Thread(target=answer, daemon=True).start()
        assert text_of(list(join().generate(COUNT))).startswith(" 7, 8")


def test_who_is_sent_away_again_and_again_starts_an_engine_of_its_own(join: Join, smollm2_path: Path) -> None:
    point = meeting_point.meeting_point(smollm2_path, SHARED)
    assert point
    ends = threading.Event()
    with meeting_point.listen(point.socket) as leaving:  # an engine that takes long to end

        def send_away() -> None:
            while not ends.is_set():
                line, _ = leaving.accept()
                meeting_point.is_welcome(line)
                line.close()

        threading.Thread(target=send_away, daemon=True).start()
        client = join()
        assert text_of(list(client.generate(COUNT))).startswith(" 7, 8")
        assert join().pid == client.pid, "it is met at the place of the one before"
        ends.set()


def test_without_local_sockets_everybody_loads_its_own(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(meeting_point.NoSharingError, match="no local sockets"):
        meeting_point.engines_folder()
    assert join().pid != join().pid


def test_sockets_are_in_the_users_runtime_folder_where_it_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPECTRA_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_dir() == tmp_path / "spectra-chat"
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not runtime_dir().is_relative_to(tmp_path / "spectra-chat")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert runtime_dir().is_absolute()


def hung_up(line: socket.socket) -> bool:
    """Raises TimeoutError where it is not."""
    with suppress(ConnectionResetError):
        while line.recv(1000):
            pass
    return True

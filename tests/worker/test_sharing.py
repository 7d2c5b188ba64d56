"""Programs of one user share one engine's process: real clients, the real model, real sockets."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.sharing import CAPITAL, COUNT, EXACT, SHARED, STORY, Join, is_running, sockets, text_of
from fakes.waiting import wait_until

from spectra_local.locations import runtime_dir
from spectra_local.protocol import Done, EngineOptions, Request
from spectra_local.worker import EngineProcess

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

"""Sockets of a shared engine: private, replaced, and deaf to what is no program of ours."""

import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.sharing import COUNT, SHARED, Join, sockets, text_of

from spectra_local import wire
from spectra_local.locations import runtime_dir
from spectra_local.protocol import Request
from spectra_local.worker import meeting_point

pytestmark = pytest.mark.model


def test_a_socket_that_nobody_listens_at_is_replaced(join: Join) -> None:
    first = join()
    (path,) = sockets()
    os.kill(first.pid or 0, signal.SIGKILL)
    first.close()
    assert path.is_socket()
    second = join()
    assert join().pid == second.pid


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

"""Where programs of one user find the engine that runs already: a socket named after the model and its options.

The folder is 0700 and its sockets 0600, and both ends ask the system who the other is. Whoever starts an engine holds
a lock until it listens, so that two that start at once end up with one. Knows nothing of what is said afterwards.
"""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spectra_local import wire
from spectra_local.errors import SpectraError
from spectra_local.file_lock import take_lock
from spectra_local.locations import cache_dir, data_dir, private_dir, runtime_dir
from spectra_local.protocol import EngineOptions
from spectra_local.worker.connection import SocketConnection

HANDSHAKE_SECONDS = 2.0  # an engine that loads, on a busy machine, answers within a tenth of it; a stopped one never
_LOCK_SECONDS = 5.0  # who holds it waits for a handshake, then for a Python process to start
_MOST_HELLO = 1000  # bytes
_MOST_PATH = 103  # bytes of a socket's path: macOS takes 103, Linux 107
_BACKLOG = 16
_LOCAL_PEERCRED, _XUCRED = 1, struct.Struct("=II")  # macOS and the BSDs: <sys/un.h>, struct xucred's head


class NoSharingError(SpectraError):
    """Engines cannot be shared here; the message says why."""


@dataclass(frozen=True, slots=True)
class MeetingPoint:
    """The place of one model with one set of options."""

    socket: Path

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Within it nobody else looks for or starts this engine. False where that could not be had in time."""
        with contextlib.ExitStack() as held:
            try:
                file = os.open(self.socket.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
                held.callback(os.close, file)
            except OSError:
                yield False
                return
            yield take_lock(file, _LOCK_SECONDS) == "ours"

    def forget(self) -> None:
        """Nobody will look here again."""
        with contextlib.suppress(OSError):
            self.socket.with_suffix(".lock").unlink()

    def joined(self) -> SocketConnection | None:
        """A line to the engine that listens here; None where none does, or none that can be talked with."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(HANDSHAKE_SECONDS)
        try:
            line.connect(str(self.socket))
            if is_same_user(line):
                line.sendall(wire.encode({"hello": wire.VERSION}))
                pid = int(_hello(line)["pid"])
                line.settimeout(None)
                return SocketConnection(line, pid)
        except (OSError, ValueError, TypeError, KeyError):
            pass  # nobody, somebody who hangs, or something else: the next engine takes the place
        line.close()
        return None


def meeting_point(model: Path, options: EngineOptions) -> MeetingPoint | None:
    """Where an engine for this file with these options is met; None where engines cannot be shared."""
    try:
        folder = engines_folder()
        file = model.stat()
    except (NoSharingError, OSError):
        return None
    facts = [wire.VERSION, str(model.resolve()), file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns]
    facts += [wire.encode(replace(options, share=True)).decode(), str(data_dir()), str(cache_dir())]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return MeetingPoint(folder / f"{name}.sock")


def own_meeting_point() -> MeetingPoint | None:
    """Where nobody else looks: for further lines to an engine that is not shared. None where there can be none."""
    try:
        return MeetingPoint(engines_folder() / f"{secrets.token_hex(8)}.sock")
    except NoSharingError:
        return None


def engines_folder() -> Path:
    """The folder of the sockets, ours alone. Raises NoSharingError."""
    if not hasattr(socket, "AF_UNIX"):
        raise NoSharingError("this system's Python has no local sockets: every program loads its own model")
    folder = runtime_dir()
    try:
        found = private_dir(folder).lstat()
    except OSError as error:
        raise NoSharingError(f"{folder} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise NoSharingError(f"{folder} must be a folder of yours that nobody else can enter (chmod 700)")
    if len(os.fsencode(folder / ("0" * 16 + ".sock.4194304"))) > _MOST_PATH:
        raise NoSharingError(f"the path {folder} is too long for a local socket")
    return folder


# --- the engine's side -------------------------------------------------------------------------------------------


def listen(path: Path) -> socket.socket:
    """Takes the place at ``path``, in one step whatever stood there before. Raises OSError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        temporary.unlink(missing_ok=True)
        listener.bind(str(temporary))
        with contextlib.suppress(PermissionError):  # the folder is closed to others, whatever the socket's mode
            temporary.chmod(0o600)
        listener.listen(_BACKLOG)
        temporary.replace(path)
    except OSError:
        listener.close()
        temporary.unlink(missing_ok=True)
        raise
    return listener


def give_up(path: Path, owned: os.stat_result) -> None:
    """Removes the socket at ``path``, unless another engine has taken the place that ``owned`` had."""
    with contextlib.suppress(OSError):
        if path.lstat().st_ino == owned.st_ino:
            path.unlink()


def is_welcome(line: socket.socket) -> bool:
    """Whether the one who called is a program of this user and speaks our language; says hello if so."""
    try:
        line.settimeout(HANDSHAKE_SECONDS)
        if not is_same_user(line):
            return False
        _hello(line)
        line.sendall(wire.encode({"hello": wire.VERSION, "pid": os.getpid()}))
        line.settimeout(None)
        return True
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _hello(line: socket.socket) -> dict[str, Any]:
    """The other end's first message, of our version. Raises OSError, ValueError, KeyError."""
    received, deadline = b"", time.monotonic() + HANDSHAKE_SECONDS
    while not received.endswith(b"\n"):
        byte = line.recv(1)  # one at a time: what follows the hello is not ours to read
        received += byte
        if not byte or len(received) > _MOST_HELLO or time.monotonic() > deadline:
            raise ValueError("no hello")
    message = wire.decode(received)
    if not isinstance(message, dict) or message["hello"] != wire.VERSION:
        raise ValueError("another version")
    return message


def is_same_user(line: socket.socket) -> bool:
    """Whether the process at the other end runs as this user. Where the system does not say, the folder decides."""
    if sys.platform == "linux":
        credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return bool(struct.unpack("3i", credentials)[1] == os.geteuid())
    if sys.platform == "darwin":
        return bool(_XUCRED.unpack_from(line.getsockopt(0, _LOCAL_PEERCRED, 76))[1] == os.geteuid())
    return True

"""Text that is piped to a command: decoded as what it is, waited for aloud, and never taken from a shell's loop."""

import os
import stat
import sys
import threading

import click

from spectra_local.errors import SpectraError

_SILENCE_S = 1.0  # after which a stdin that says nothing is named: it may be nobody's
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # UTF-16 says so in its first two bytes; without them it is no text


def piped_text(*, alone: bool) -> str:
    """All of stdin where it is no terminal, "" where it is one or belongs to somebody else.

    ``alone``: nothing else was given. A file that something has read from already, as ``while read`` does with its
    list, is not ours unless it is all there is. Raises SpectraError.
    """
    if sys.stdin is None or sys.stdin.isatty() or (not alone and _is_being_read()):
        return ""
    timer = threading.Timer(_SILENCE_S, _tell_of_waiting)
    timer.daemon = True
    timer.start()
    try:
        return decoded(sys.stdin.buffer.read())
    finally:
        timer.cancel()


def decoded(data: bytes) -> str:
    """Text without its byte order mark; bytes that are no UTF-8 are replaced, and that is said on stderr."""
    encoding = "utf-16" if data.startswith(_MARKS) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in data:
        raise SpectraError("stdin is no text: it contains zero bytes")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        text = data.decode(encoding, errors="replace")
        at = f"the first is byte {error.start:,}"
        click.echo(f"spectra-chat: stdin is not all text; what cannot be read is shown as \ufffd ({at})", err=True)
        return text


def _is_being_read() -> bool:
    try:
        descriptor = sys.stdin.fileno()
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.lseek(descriptor, 0, os.SEEK_CUR) > 0
    except (OSError, ValueError):  # no file behind it, or one that has no place
        return False


def _tell_of_waiting() -> None:
    click.echo("spectra-chat: waiting for stdin to end; where nothing comes, add < /dev/null", err=True)

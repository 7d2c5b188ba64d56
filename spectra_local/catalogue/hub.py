"""A model's file from the Hugging Face hub (or a mirror named by HF_ENDPOINT), through huggingface_hub.

Two requests: what the hub knows of the file, then its bytes, from where an earlier try stopped. The library's own
``hf_hub_download`` starts anew after every failure since its 1.x line and retries 23 s where there is no network, so
only its client, addresses and metadata are used. No token is sent and no telemetry.
"""

import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from spectra_local.catalogue.entries import Entry
from spectra_local.catalogue.partial_file import PartialFile, require_space
from spectra_local.catalogue.progress import Cancelled, PullCancelledError, Report
from spectra_local.errors import DownloadError
from spectra_local.printable import printable_line

_DEFAULT_ENDPOINT = "https://huggingface.co"
# Where something else can serve the file, a silent hub is given up within 5 s, loading the client included.
_PATIENCE_WITH_FALLBACK = 4.0
PATIENCE = 10.0
_SILENCE = 5.0  # seconds without a byte before a connection counts as cut; bounds how late a cancel is seen
_TRIES_WITHOUT_A_BYTE = 3
PAUSE = 1.0  # seconds before a cut connection is tried again
CHUNK = 256 << 10
_TRUE = {"1", "ON", "YES", "TRUE"}  # as huggingface_hub reads its variables
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-")

_Result = TypeVar("_Result")


class HubError(DownloadError):
    """The hub could not be reached, or does not serve the file; another source may."""


class OfflineError(DownloadError):
    """The user wants no connection to be opened: no other source may be asked either."""


class ConnectionCutError(Exception):
    """The bytes stopped coming."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it."""

    url: str
    headers: dict[str, str]
    etag: str
    n_bytes: int

    @property
    def sha256(self) -> str | None:
        """The hub names its large files by their sha256."""
        return self.etag if _SHA256.fullmatch(self.etag) else None


def endpoint() -> str:
    """The hub's address."""
    return (os.environ.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT).rstrip("/")


def locate(entry: Entry, cancelled: Cancelled) -> RemoteFile:
    """Asks the hub about the entry's file. Raises HubError within 5 s where another source is left, else 10 s."""
    _refuse_offline(entry)
    hub = _client()
    seconds = _PATIENCE_WITH_FALLBACK if entry.parts else PATIENCE
    url = hub.hf_hub_url(entry.repository, entry.file, endpoint=endpoint())

    def ask() -> RemoteFile:
        answer = hub.get_hf_file_metadata(url, token=False, timeout=seconds, endpoint=endpoint())
        if not answer.etag or not answer.size:
            raise HubError(f"{_host()} does not describe {entry.file} as a hub does; check HF_ENDPOINT")
        headers = hub.utils.build_hf_headers(token=False)
        return RemoteFile(url, headers, answer.etag.lower(), answer.size)

    try:
        remote = _within(seconds, ask, entry.name, cancelled)
    except DownloadError:
        raise
    except Exception as error:  # the client's HTTP library differs between its releases (httpx, httpx2)
        raise _hub_error(entry, error) from error
    if entry.sha256 and remote.sha256 and entry.sha256 != remote.sha256:
        raise HubError(f"{_host()} now has another {entry.file} than the one this release was made for")
    return remote


def fetch(entry: Entry, remote: RemoteFile, partial: PartialFile, report: Report, cancelled: Cancelled) -> None:
    """Receives the rest of the file into ``partial``; a cut connection is taken up again a few times.

    Raises HubError where the hub stops answering, DownloadError where the disk is full; both keep what arrived.
    """
    if partial.size > remote.n_bytes:
        partial.restart()
    require_space(partial.target.parent, remote.n_bytes - partial.size, entry.name)
    tries = 0
    while partial.size < remote.n_bytes:
        before = partial.size
        try:
            receive(entry, remote, partial, report, cancelled)
        except ConnectionCutError as cut:
            tries = 1 if partial.size > before else tries + 1
            if tries >= _TRIES_WITHOUT_A_BYTE:
                raise HubError(
                    f"the connection to {_host()} broke ({cut}); what arrived of {entry.name} is kept, "
                    f"'spectra-chat models pull {entry.name}' goes on from there"
                ) from cut
            _pause(PAUSE, entry.name, cancelled)


def receive(entry: Entry, remote: RemoteFile, partial: PartialFile, report: Report, cancelled: Cancelled) -> None:
    """One request for what is missing."""
    headers = remote.headers | {"Accept-Encoding": "identity"}
    if partial.size:
        headers["Range"] = f"bytes={partial.size}-"
    with ExitStack() as stack:
        with _cuts():
            session = _client().get_session()
            request = session.stream("GET", remote.url, headers=headers, timeout=_SILENCE, follow_redirects=True)
            response = stack.enter_context(request)
        _check_start(entry, response, partial)
        with _cuts():
            chunks = response.iter_bytes(CHUNK)
        while partial.size < remote.n_bytes:
            if cancelled():
                raise PullCancelledError(entry.name)
            with _cuts():
                chunk = next(chunks, b"")
            if not chunk:
                raise ConnectionCutError("it ended early")
            partial.append(chunk[: remote.n_bytes - partial.size], remote.n_bytes)
            report(partial.size, remote.n_bytes)


def _check_start(entry: Entry, response: Any, partial: PartialFile) -> None:
    """Makes sure that what comes continues what is there."""
    if response.status_code == 206:
        start = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if start is None or int(start[1]) != partial.size:
            raise HubError(f"{_host()} answered with another part of {entry.file} than was asked for")
    elif response.status_code == 200:
        if partial.size:  # a server or proxy that ignores ranges
            partial.restart()
    elif response.status_code in (408, 429) or response.status_code >= 500:
        raise ConnectionCutError(f"HTTP {response.status_code}")
    else:
        raise HubError(f"{_host()} refuses {entry.repository}/{entry.file} (HTTP {response.status_code})")


@contextmanager
def _cuts() -> Iterator[None]:
    """Whatever the hub's HTTP library raises inside (httpx or httpx2, by release) is a cut connection."""
    try:
        yield
    except Exception as error:
        raise ConnectionCutError(_short(error)) from error


def _client() -> Any:
    """huggingface_hub, silent and without telemetry: it reads these variables when it is first imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["HF_HUB_VERBOSITY"] = "critical"
    import huggingface_hub
    import huggingface_hub.utils

    return huggingface_hub


def _within(seconds: float, work: Callable[[], _Result], name: str, cancelled: Cancelled) -> _Result:
    """Runs ``work`` in a thread and waits for it no longer than that: a name lookup knows no time limit."""
    answers: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True, name="ask-the-hub").start()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            result, error = answers.get(timeout=min(left, 0.05))
        except queue.Empty:
            if cancelled():
                raise PullCancelledError(name) from None
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # None only beside an error
    raise HubError(f"{_host()} did not answer within {seconds:g} s")


def _refuse_offline(entry: Entry) -> None:
    """The hub's own variable for "open no connection". Raises OfflineError."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in _TRUE:
            raise OfflineError(f"{name} is set, so no connection is opened; unset it to fetch {entry.name}")


def _pause(seconds: float, name: str, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cancelled():
            raise PullCancelledError(name)
        time.sleep(0.05)


def _hub_error(entry: Entry, error: Exception) -> HubError:
    if "socksio" in str(error):  # the HTTP library's advice names an extra of its own
        return HubError("a SOCKS proxy is set, which needs one more package: pip install socksio")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return HubError(f"{_host()} has no public file {entry.repository}/{entry.file} (HTTP {status})")
    if status is not None:
        return HubError(f"{_host()} answered with an error (HTTP {status}); try again later")
    return HubError(f"{_host()} cannot be reached ({_short(error)})")


def _host() -> str:
    return printable_line(urlsplit(endpoint()).netloc or endpoint())


def _short(error: Exception) -> str:
    lines = re.sub(r"\[Errno -?\d+\]\s*", "", str(error)).strip().splitlines()  # a number that tells nobody anything
    return printable_line(lines[0])[:120] if lines else type(error).__name__

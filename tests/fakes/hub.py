"""A hub on 127.0.0.1 with one file: the headers that huggingface_hub reads, ranges, and ways to misbehave."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class FakeHub:
    """Serves ``content`` under every address; the attributes may be changed while it runs."""

    def __init__(self, content: bytes) -> None:
        self.serve(content)
        self.status = 200  # of every answer, where it is not 200
        self.cut_after: int | None = None  # bytes of a body, then the connection closes
        self.cuts = 0  # how many connections are still to be cut
        self.stalls = False  # the body stops at ``cut_after`` with the connection left open
        self.silent = False  # connections are taken and never answered
        self.ignores_ranges = False
        self.requests: list[tuple[str, str, str | None]] = []  # (method, path, Range)
        self.user_agents: list[str] = []
        self.authorizations: list[str | None] = []
        self.end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def serve(self, content: bytes) -> None:
        """Another file from now on, under its own checksum."""
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()

    @property
    def url(self) -> str:
        """The address for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of every GET."""
        return [asked for method, _, asked in self.requests if method == "GET"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.note(self)
                if hub.silent:
                    hub.end.wait(30)
                    return
                self._head(hub.status, len(hub.content))

            def do_GET(self) -> None:
                hub.note(self)
                asked = self.headers.get("Range")
                start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and not hub.ignores_ranges else 0
                body = hub.content[start:]
                if hub.status != 200:
                    self._head(hub.status, 0)
                    return
                self._head(206 if start else 200, len(body), start)
                if hub.cut_after is not None and hub.cuts > 0:
                    hub.cuts -= 1
                    self.wfile.write(body[: hub.cut_after])
                    self.wfile.flush()
                    if hub.stalls:
                        hub.end.wait(30)
                    self.close_connection = True
                    return
                self.wfile.write(body)

            def _head(self, status: int, length: int, start: int = 0) -> None:
                self.send_response(status)
                self.send_header("X-Repo-Commit", "0" * 40)
                self.send_header("ETag", f'"{hub.etag}"')
                self.send_header("Accept-Ranges", "bytes")
                if status == 206:
                    total = len(hub.content)
                    self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
                self.send_header("Content-Length", str(length))
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def note(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((request.command, request.path, request.headers.get("Range")))
        self.user_agents.append(request.headers.get("User-Agent", ""))
        self.authorizations.append(request.headers.get("Authorization"))

"""An answer that goes on after its engine has crashed: what was told of it is not told twice.

Works on protocol values; knows no processes.
"""

import time
from dataclasses import replace

from spectra_local.protocol import Done, Echo, Event, Message, Request, Text, Timings


class Told:
    """What the reader of an answer has got so far."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._texts: list[str] = []
        self._n_tokens = 0
        self._began = self._latest = 0.0
        self._n_before = 0  # tokens that earlier processes brought, and their time
        self._ms_before = 0.0

    def add(self, event: Event) -> Event:
        """Notes ``event``; returns it as the reader is to get it: an answer's counts are of all its parts."""
        if isinstance(event, Text):
            self._latest = time.monotonic()
            self._began = self._began or self._latest
            self._texts.append(event.text)
            self._n_tokens += event.n_tokens
        elif isinstance(event, Echo):
            self._request = replace(self._request, echo=False)
        elif isinstance(event, Done) and self._n_before:
            timings = event.timings
            n, ms = timings.predicted_n + self._n_before, timings.predicted_ms + self._ms_before
            return replace(event, timings=replace(timings, predicted_n=n, predicted_ms=ms))
        return event

    @property
    def can_go_on(self) -> bool:
        """Several answers cannot once something of them was told: which of them had ended is not known."""
        return self._request.count == 1 or not self._n_tokens

    def rest(self) -> Request | Done:
        """What remains to be asked; a Done where all of it was told. Raises ValueError unless it ``can_go_on``."""
        if not self.can_go_on:
            raise ValueError("several answers that were begun")
        request = self._request
        if not self._n_tokens:
            return request
        self._n_before = self._n_tokens
        self._ms_before = 1000 * (self._latest - self._began)
        left = None if request.max_tokens is None else request.max_tokens - self._n_tokens
        if left is not None and left <= 0:
            return Done("length", Timings(), 0, 0)
        return replace(_continued(request, "".join(self._texts)), max_tokens=left)


def _continued(request: Request, text: str) -> Request:
    if request.fill_in is not None:
        return replace(request, fill_in=replace(request.fill_in, middle=request.fill_in.middle + text))
    if request.prompt is not None or request.prompt_ids:
        return replace(request, prompt=(request.prompt or "") + text)
    *before, last = request.messages
    if last.role == "assistant":
        return replace(request, messages=(*before, Message("assistant", last.content + text)))
    return replace(request, messages=(*request.messages, Message("assistant", text)))

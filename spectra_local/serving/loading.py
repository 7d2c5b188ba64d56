"""Loads the model of a language server once its editor is there, and tells the editor how far that is."""

import asyncio
from contextlib import suppress
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from spectra_local.errors import SpectraError
from spectra_local.printable import printable_line
from spectra_local.protocol import LoadProgress
from spectra_local.serving.request_queue import RequestQueue


class Loading:
    """The first job of the queue: loads its assistant. Until it is done there is nothing to suggest."""

    def __init__(self, server: LanguageServer, queue: RequestQueue) -> None:
        self.is_done = False
        self._server = server
        self._queue = queue
        self._doing = "loading the model"
        self._percentage = 0
        self._token: str | None = None  # of the progress that the editor shows, None where it shows none

    async def run(self) -> None:
        """To be called once the editor has initialized the server. An error is a message in the editor."""
        job = self._queue.submit(lambda assistant: assistant.load())
        asking = asyncio.create_task(self._ask_for_progress())
        try:
            async for progress in job.events():
                self._show(progress)
            self.is_done = True
            self._end("ready")
        except SpectraError as error:
            self._end("failed")
            message = printable_line(f"spectra-chat: {error}")
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Error, message))
        finally:
            asking.cancel()

    async def _ask_for_progress(self) -> None:
        """An editor that says it shows progress is asked for a place; one that does not answer gets none."""
        window = self._server.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        token = f"spectra-chat {uuid4().hex}"
        with suppress(JsonRpcException):
            await self._server.work_done_progress.create_async(token)
            self._token = token
            begin = types.WorkDoneProgressBegin("spectra-chat", message=self._doing, percentage=self._percentage)
            self._server.work_done_progress.begin(token, begin)

    def _show(self, progress: LoadProgress) -> None:
        now = progress.doing, int(100 * progress.fraction)
        if now == (self._doing, self._percentage):
            return  # a download tells more often than anybody can see
        if progress.doing != self._doing:
            self._server.window_log_message(types.LogMessageParams(types.MessageType.Info, progress.doing))
        self._doing, self._percentage = now
        if self._token:
            report = types.WorkDoneProgressReport(percentage=self._percentage, message=self._doing)
            self._server.work_done_progress.report(self._token, report)

    def _end(self, message: str) -> None:
        if self._token:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd(message=message))

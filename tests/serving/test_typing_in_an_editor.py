"""What an editor gets while somebody types, over the wire, with a scripted engine."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from fakes.scripted import INFO, Gate, Script, ScriptedAssistant, say
from lsprotocol import types
from pygls.io_ import run_async
from pygls.lsp.client import LanguageClient

from spectra_local.completion.completer import Completer
from spectra_local.protocol import Text
from spectra_local.serving import soonest
from spectra_local.serving.language_server import end_of_typing, language_server
from spectra_local.serving.request_queue import RequestQueue

URI = "file:///work/numbers.py"
DOCUMENT = types.VersionedTextDocumentIdentifier(2, URI)
AUTOMATIC, INVOKED = types.InlineCompletionTriggerKind.Automatic, types.InlineCompletionTriggerKind.Invoked


class Editor:
    """A client with one document."""

    def __init__(self, client: LanguageClient, assistant: ScriptedAssistant, queue: RequestQueue) -> None:
        self.client = client
        self.assistant = assistant
        self.queue = queue

    async def offered(
        self, line: int, column: int, trigger: types.InlineCompletionTriggerKind = AUTOMATIC, uri: str = URI
    ) -> list[str]:
        return [str(item.insert_text) for item in await self.items(line, column, trigger, uri)]

    async def items(
        self, line: int, column: int, trigger: types.InlineCompletionTriggerKind = AUTOMATIC, uri: str = URI
    ) -> Sequence[types.InlineCompletionItem]:
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(trigger), types.TextDocumentIdentifier(uri), types.Position(line, column)
        )
        found = await asyncio.wait_for(self.client.text_document_inline_completion_async(params), 30)
        assert isinstance(found, types.InlineCompletionList)
        return found.items

    async def plain(self, line: int, column: int) -> types.CompletionItem:
        """The one plain completion."""
        params = types.CompletionParams(types.TextDocumentIdentifier(URI), types.Position(line, column))
        found = await asyncio.wait_for(self.client.text_document_completion_async(params), 30)
        assert isinstance(found, types.CompletionList)
        (item,) = found.items
        return item

    def types(self, text: str, line: int, column: int) -> None:
        here = types.Position(line, column)
        change = types.TextDocumentContentChangePartial(types.Range(here, here), text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(DOCUMENT, [change]))

    async def is_done(self) -> None:
        """Waits until the model rests."""
        async with asyncio.timeout(30):
            while self.queue.n_running or self.queue.n_waiting:
                await asyncio.sleep(0.01)

    async def reads(self, n_requests: int) -> None:
        """Waits until the model was asked so often."""
        async with asyncio.timeout(30):
            while len(self.assistant.requests) < n_requests:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def editor(*scripts: Script, text: str = "def f():\n    \n") -> AsyncIterator[Editor]:
    assistant = ScriptedAssistant(*scripts, info=replace(INFO, fill_in="qwen"))
    queue = RequestQueue(assistant)
    server, client, stop = (
        language_server(queue, Completer(assistant), max_ms=60_000, plain=True),
        LanguageClient("editor", "1"),
        Event(),
    )
    log = logging.getLogger(__name__)
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.protocol.set_writer(writer)
        connections.append(writer)
        await run_async(stop, reader, server.protocol, log, lambda *_: None)

    listening = await asyncio.start_server(serve, "127.0.0.1")
    try:
        await client.start_tcp(*listening.sockets[0].getsockname()[:2])
        await client.initialize_async(types.InitializeParams(types.ClientCapabilities()))
        client.initialized(types.InitializedParams())
        item = types.TextDocumentItem(URI, "python", 1, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        while not assistant.is_loaded or queue.n_running:
            await asyncio.sleep(0.01)
        yield Editor(client, assistant, queue)
    finally:
        stop.set()
        await asyncio.to_thread(queue.close)
        listening.close()
        for connection in connections:
            connection.close()
        await client.stop()


async def test_a_slow_suggestion_is_its_first_line_and_the_rest_follows_when_that_was_taken() -> None:
    gate = Gate()
    async with editor([Text("a = 1"), Text("\n    b"), gate, *say(" = 2")], say("never")) as typist:
        assert await typist.offered(1, 4) == ["a = 1"]
        gate.open()
        await typist.is_done()
        assert await typist.offered(1, 4) == ["a = 1\n    b = 2"]
        assert len(typist.assistant.requests) == 1


async def test_a_quick_suggestion_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soonest, "PATIENCE", 30.0)
    async with editor(say("a = 1\n    b = 2")) as typist:
        assert await typist.offered(1, 4) == ["a = 1\n    b = 2"]


async def test_a_suggestion_that_was_asked_for_comes_whole_however_long_it_takes() -> None:
    gate = Gate()
    async with editor([Text("a = 1"), Text("\n    b"), gate, *say(" = 2")], say("")) as typist:
        asked = asyncio.ensure_future(typist.offered(1, 4, INVOKED))
        assert not (await asyncio.wait([asked], timeout=2 * soonest.PATIENCE))[0]
        gate.open()
        assert await asked == ["a = 1\n    b = 2"]


async def test_what_is_typed_where_something_was_suggested_is_read_before_it_is_asked_about() -> None:
    async with editor(say("a")) as typist:
        typist.types("z", 0, 0)  # nothing was suggested there
        assert await typist.offered(1, 4) == ["a"]
        typist.types("b", 1, 4)
        await typist.reads(2)
        last = typist.assistant.requests[-1]
        assert last.fill_in
        assert (last.fill_in.prefix, last.fill_in.middle, last.max_tokens) == ("zdef f():\n    ", "b", 1)


def test_the_end_of_what_was_typed() -> None:
    def typed(text: str, n_replaced: int = 0) -> types.Position | None:
        where = types.Range(types.Position(3, 4), types.Position(3, 4 + n_replaced))
        return end_of_typing([types.TextDocumentContentChangePartial(where, text)])

    assert typed("ab") == types.Position(3, 6)
    assert typed("a\n  ") == types.Position(4, 2)
    assert typed("") is None
    assert typed("b", n_replaced=1) is None
    assert typed("x" * 1000) is None
    assert end_of_typing([types.TextDocumentContentChangeWholeDocument("all")]) is None


async def test_of_a_document_that_is_neither_open_nor_on_the_disk_nothing_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\0")
    async with editor(say("x")) as it:
        for uri in ("untitled:Untitled-1", (tmp_path / "no.py").as_uri(), tmp_path.as_uri(), "file:", "no uri", ""):
            assert await it.offered(0, 0, uri=uri) == []
        assert await it.offered(0, 0, uri=(tmp_path / "bytes.py").as_uri()) == []
        assert it.assistant.requests == []


async def test_a_change_of_a_document_that_is_not_open_is_no_message_in_the_editor() -> None:
    async with editor(say("x")) as it:
        shown: list[str] = []

        @it.client.feature(types.WINDOW_SHOW_MESSAGE)
        def show(params: types.ShowMessageParams) -> None:
            shown.append(params.message)

        unknown = types.VersionedTextDocumentIdentifier(2, "untitled:Untitled-1")
        here = types.Range(types.Position(0, 0), types.Position(0, 0))
        change = types.TextDocumentContentChangePartial(here, "a")
        it.client.text_document_did_change(types.DidChangeTextDocumentParams(unknown, [change]))
        assert await it.offered(1, 4) == ["x"]  # it goes on
        assert shown == []


async def test_a_document_that_is_not_open_is_read_from_the_disk_with_the_lines_of_lsp(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a\f = 1\nb\u2028 = 2\x85\nccc = \n", newline="")
    async with editor(say("a + b")) as it:
        assert await it.offered(2, 6, uri=(tmp_path / "a.py").as_uri()) == ["a + b"]
        assert it.assistant.requests[0].fill_in.prefix.endswith("\nccc = ")


async def test_a_plain_completion_is_the_word_that_was_begun_and_the_rest_of_it() -> None:
    async with editor(say("name.upper()\n    return full"), text="def f():\n    x = '\U0001f600' + full_\n") as it:
        item = await it.plain(1, 20)
        assert item.filter_text == item.label == "full_name.upper()"
        place = types.Range(types.Position(1, 15), types.Position(1, 20))
        assert item.text_edit == types.TextEdit(place, "full_name.upper()\n    return full")
        assert item.command and item.command.arguments[1] == "name.upper()\n    return full"


async def test_a_suggestion_of_white_space_alone_is_given_where_it_parts_what_stands_on_both_sides() -> None:
    async with editor(say(" "), say("    "), say("\n\n"), text="a =1\ndef f():\nreturn 1\nbreak\n") as it:
        assert await it.offered(0, 3) == [" "]
        assert await it.offered(2, 0) == ["    "]
        assert await it.offered(3, 0) == ["\n\n"]
        assert await it.offered(3, 5) == []  # behind the last word
        assert (await it.plain(0, 3)).label == "(white space)"


async def test_a_place_inside_a_character_is_before_it() -> None:
    async with editor(say("x"), text="a = '\U0001f600'\n") as it:
        (item,) = await it.items(0, 6)
        assert item.range == types.Range(types.Position(0, 5), types.Position(0, 5))
        assert it.assistant.requests[0].fill_in.prefix == "a = '"

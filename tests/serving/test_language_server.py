"""The language server in a process of its own, asked by pygls' own client, with the real model."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.workspace import PositionCodec

from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.protocol import EngineOptions, FillIn
from spectra_local.serving.document import Document, place_at
from spectra_local.serving.language_server import gap_at
from spectra_local.worker.meeting_point import meeting_point

ROOT = Path(__file__).parents[2]
URI = "file:///work/numbers.py"
DOCUMENT = types.TextDocumentIdentifier(URI)
TEXT = "# 😀 numbers\none = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = \nsix = 6\n"


def test_positions_count_utf16_units() -> None:
    document = Document(URI, 'x = "😀" + y\n')
    gap = gap_at(document, types.Position(0, 7))
    assert (gap.prefix, gap.suffix) == ('x = "😀', '" + y\n')


def test_a_position_outside_the_document_is_its_end() -> None:
    gap = gap_at(Document(URI, "a\n"), types.Position(99, 99))
    assert (gap.prefix, gap.suffix) == ("a\n", "")


def test_lines_end_where_lsp_says_and_nowhere_else() -> None:
    text = "a\f\u2028b\r\ncc\rdd\nee"
    for line, column, before in [
        (0, 4, "a\f\u2028b"),
        (0, 99, "a\f\u2028b"),
        (1, 1, "a\f\u2028b\r\nc"),
        (3, 0, text[:-2]),
    ]:
        assert gap_at(Document(URI, text), types.Position(line, column)).prefix == before


def test_changes_are_applied_where_the_editor_made_them() -> None:
    document = Document(URI, "one\f\n😀two\n")
    place = types.Range(types.Position(1, 2), types.Position(1, 3))
    document.apply_change(types.TextDocumentContentChangePartial(text="s", range=place))
    end = types.Range(types.Position(2, 0), types.Position(2, 0))
    document.apply_change(types.TextDocumentContentChangePartial(text="three", range=end))
    assert document.source == "one\f\n😀swo\nthree"
    document.apply_change(types.TextDocumentContentChangeWholeDocument("all new"))
    assert document.source == "all new"


def test_a_change_of_half_a_character_is_applied_and_a_half_alone_is_shown_as_a_sign() -> None:
    document = Document(URI, "a\U0001f600b\U0001f600\n")
    half = types.Range(types.Position(0, 2), types.Position(0, 3))
    document.apply_change(types.TextDocumentContentChangePartial(text="\ude01", range=half))
    assert document.source == "a\U0001f601b\U0001f600\n"
    document.apply_change(types.TextDocumentContentChangePartial(text="", range=half))
    assert gap_at(document, types.Position(0, 3)) == FillIn("a\ufffdb", "\U0001f600\n", path="work/numbers.py")
    from_half_to_half = types.Range(types.Position(0, 2), types.Position(0, 4))
    document.apply_change(types.TextDocumentContentChangePartial(text="", range=from_half_to_half))
    assert document.source == "a\ud83d\ude00\n".encode("utf-16", "surrogatepass").decode("utf-16")


@given(st.text(st.sampled_from("ab\n\r\f\u2028\x85\u00e9\U0001f600")), st.integers(0, 9), st.integers(0, 9), st.data())
def test_any_place_is_inside_the_text_and_says_so_as_the_editor_counts(
    text: str, line: int, column: int, data: st.DataObject
) -> None:
    codec = PositionCodec(data.draw(st.sampled_from(list(types.PositionEncodingKind))))
    place = place_at(text, types.Position(line, column), codec)
    assert 0 <= place.offset <= len(text)
    again = place_at(text, place.position, codec)
    assert (again.offset, again.n_inside) == (place.offset, 0)
    assert len(re.split("\r\n?|\n", text[: place.offset])) == place.position.line + 1


@pytest.mark.timeout(60)
def test_a_place_in_a_document_of_50_000_lines_costs_little() -> None:
    document = Document(URI, "".join(f"line {i}\n" for i in range(50_000)))
    for _ in range(200):  # a keypress each; the limit is the marker's
        assert gap_at(document, types.Position(40_000, 5)).suffix.startswith("40000\n")


class Editor:
    """A client as an editor is one, on a server in a process of its own; keeps what it was shown."""

    def __init__(self, model: Path | None) -> None:
        self.model = model
        self.client = LanguageClient("editor", "1")
        self.progress: list[str] = []
        self.messages: list[str] = []
        self.log: list[str] = []
        self.loaded = asyncio.Event()

        @self.client.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def create(params: types.WorkDoneProgressCreateParams) -> None:
            pass

        @self.client.feature(types.PROGRESS)
        def progress(params: types.ProgressParams) -> None:
            self.progress.append(params.value["kind"])
            if params.value["kind"] == "end":
                self.loaded.set()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def show(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.client.feature(types.WINDOW_LOG_MESSAGE)
        def log(params: types.LogMessageParams) -> None:
            self.log.append(params.message)

    async def start(self, *options: str) -> types.InitializeResult:
        model = ("-m", str(self.model)) if self.model else ()
        arguments = ("-m", "tui", "lsp", *model, "--ctx", "1024", *options)
        await self.client.start_io(sys.executable, *arguments, cwd=str(ROOT))
        window = types.WindowClientCapabilities(work_done_progress=True)
        capabilities = types.ClientCapabilities(window=window)
        result = await self.client.initialize_async(types.InitializeParams(capabilities=capabilities))
        self.client.initialized(types.InitializedParams())
        return result

    def open(self, text: str) -> None:
        item = types.TextDocumentItem(URI, "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def is_told(self) -> None:
        """Waits for a message to be shown."""
        async with asyncio.timeout(60):
            while not self.messages:
                await asyncio.sleep(0.05)

    async def is_loaded(self) -> None:
        await asyncio.wait_for(self.loaded.wait(), 60)

    def inline(
        self,
        line: int,
        character: int,
        trigger: types.InlineCompletionTriggerKind = types.InlineCompletionTriggerKind.Automatic,
    ) -> "asyncio.Future[types.InlineCompletionList]":
        context = types.InlineCompletionContext(trigger)
        asked = types.InlineCompletionParams(context, DOCUMENT, types.Position(line, character))
        return asyncio.ensure_future(self.client.text_document_inline_completion_async(asked))

    async def offered(self, line: int, character: int) -> str:
        """The one suggestion's text."""
        found = await asyncio.wait_for(self.inline(line, character), 60)
        assert isinstance(found, types.InlineCompletionList)
        (item,) = found.items
        assert isinstance(item.insert_text, str)
        here = types.Position(line, character)
        assert item.range == types.Range(here, here)
        return item.insert_text

    async def leave(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


@pytest.fixture
def editor(smollm2_path: Path, spectra_home: Path) -> Editor:
    """Its model is LSP_MODEL where that is set: the default one has no fill-in tokens and is asked in words."""
    return Editor(Path(os.environ.get("LSP_MODEL") or smollm2_path))


@pytest.mark.model
async def test_an_editor_is_offered_a_real_completion_inline_and_plain(editor: Editor) -> None:
    result = await editor.start("--plain-completion", "--max-ms", "60000")
    assert result.capabilities.inline_completion_provider is not None
    assert result.capabilities.completion_provider is not None
    editor.open(TEXT)
    await editor.is_loaded()
    assert editor.progress[0] == "begin"
    text = await editor.offered(5, 7)
    assert text.strip()
    replaced = editor.inline(0, 3)  # elsewhere; the next one is wanted more
    again = await editor.offered(5, 7)
    assert again == text  # kept
    await asyncio.wait([replaced], timeout=60)
    where = types.Position(5, 7)
    asked = types.CompletionParams(DOCUMENT, where)
    plain = await asyncio.wait_for(editor.client.text_document_completion_async(asked), 60)
    assert isinstance(plain, types.CompletionList)
    (item,) = plain.items
    assert item.text_edit == types.TextEdit(types.Range(where, where), text)
    assert item.filter_text == text.strip().split("\n")[0]
    assert item.command
    taken = types.ExecuteCommandParams(item.command.command, arguments=item.command.arguments)
    await asyncio.wait_for(editor.client.workspace_execute_command_async(taken), 60)
    several = await asyncio.wait_for(editor.inline(5, 7, types.InlineCompletionTriggerKind.Invoked), 60)
    assert several.items[0].insert_text == text
    await editor.leave()
    database = Database()
    kept = [turn.text for turn in Store(database).turns()]
    database.close()
    assert kept[-1] == text  # what was accepted is learned


@pytest.mark.model
async def test_positions_after_emoji_are_utf16_and_a_cancel_frees_the_model(editor: Editor) -> None:
    await editor.start("--max-ms", "60000")
    line = 'faces = "\U0001f600\U0001f601"; numbers = [1, 2, 3, 4, 5, '
    editor.open(f"{line}\n")
    await editor.is_loaded()
    await asyncio.wait([unwanted := editor.inline(0, 4)], timeout=0.05)
    unwanted.cancel()
    assert (await editor.offered(0, len(line.encode("utf-16-le")) // 2)).startswith("6")
    await editor.leave()


@pytest.mark.model
async def test_the_server_is_there_before_its_model(editor: Editor) -> None:
    """The model's process is held up: an editor must not wait for it."""
    point = meeting_point(editor.model, EngineOptions(n_ctx=1024, share=True))
    assert point
    with point.alone():
        result = await asyncio.wait_for(editor.start(), 60)
        assert result.capabilities.inline_completion_provider is not None
        editor.open(TEXT)
        found = await asyncio.wait_for(editor.inline(5, 7), 60)
        assert isinstance(found, types.InlineCompletionList)
        assert not found.items
    await editor.is_loaded()
    await editor.leave()


@pytest.mark.parametrize(
    ("messages", "code"),
    [(["shutdown", "exit"], 0), (["exit"], 1), (["shutdown"], 0)],
    ids=["in order", "not asked to shut down", "the input ends"],
)
@pytest.mark.usefixtures("empty_disk")
def test_the_exit_code_says_whether_it_ended_in_order_and_nothing_is_complained_of(
    messages: list[str], code: int
) -> None:
    sent = b""
    for method in ("initialize", *messages):
        body = {"jsonrpc": "2.0", "method": method, "params": {"capabilities": {}} if method == "initialize" else None}
        data = json.dumps(body if method == "exit" else {**body, "id": len(sent)}).encode()
        sent += b"Content-Length: %d\r\n\r\n%s" % (len(data), data)
    ended = subprocess.run([sys.executable, "-m", "tui", "lsp"], cwd=ROOT, input=sent, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (code, b"")


@pytest.fixture
def empty_disk(spectra_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model anywhere, and nothing to fetch one from."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("HF_HOME", "HF_HUB_CACHE", "LLAMA_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS", "HOME"):
        monkeypatch.setenv(name, str(spectra_home))


@pytest.mark.usefixtures("empty_disk")
async def test_a_missing_model_is_a_message_in_the_editor_that_says_what_to_type() -> None:
    editor = Editor(None)
    result = await asyncio.wait_for(editor.start(), 60)
    assert result.server_info
    await editor.is_told()
    assert editor.log == []
    assert "no model is on this disk yet: 'spectra-chat models pull qwen2.5-coder-" in editor.messages[0]
    await editor.leave()


@pytest.mark.usefixtures("empty_disk")
async def test_with_yes_a_missing_model_is_fetched_after_the_editor_has_its_answer() -> None:
    editor = Editor(None)
    result = await asyncio.wait_for(editor.start("--yes"), 30)
    assert result.server_info
    await editor.is_loaded()
    await editor.is_told()
    assert editor.log[0].startswith("fetching qwen2.5-coder-")
    assert "127.0.0.1:9" in editor.messages[0]
    found = await asyncio.wait_for(editor.inline(0, 0), 60)
    assert isinstance(found, types.InlineCompletionList)
    assert not found.items
    await editor.leave()


async def test_a_model_that_cannot_be_loaded_is_a_message_in_the_editor(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF but not really")
    editor = Editor(tmp_path / "broken.gguf")
    await editor.start()
    await editor.is_loaded()
    await editor.is_told()
    assert "spectra-chat: " in editor.messages[0]
    await editor.leave()

"""The language server in a process of its own, asked by pygls' own client, with the real model."""

import asyncio
import sys
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.workspace import TextDocument

from spectra_local.serving.language_server import gap_at

ROOT = Path(__file__).parents[2]
URI = "file:///work/numbers.py"
TEXT = "# 😀 numbers\none = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = \nsix = 6\n"


def test_positions_count_utf16_units() -> None:
    document = TextDocument(URI, 'x = "😀" + y\n')
    gap = gap_at(document, types.Position(0, 7))
    assert (gap.prefix, gap.suffix) == ('x = "😀', '" + y\n')


def test_a_position_outside_the_document_is_its_end() -> None:
    gap = gap_at(TextDocument(URI, "a\n"), types.Position(99, 99))
    assert (gap.prefix, gap.suffix) == ("a\n", "")


@pytest.mark.model
async def test_an_editor_is_offered_a_completion_inline_and_plain(smollm2_path: Path, spectra_home: Path) -> None:
    client = LanguageClient("editor", "1")
    arguments = ("-m", "tui", "lsp", "-m", str(smollm2_path), "--ctx", "1024", "--plain-completion")
    await client.start_io(sys.executable, *arguments, cwd=str(ROOT))
    result = await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
    assert result.capabilities.inline_completion_provider is not None
    assert result.capabilities.completion_provider is not None
    client.initialized(types.InitializedParams())
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, TEXT)))
    where = types.Position(5, 7)
    document = types.TextDocumentIdentifier(URI)
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
    asked = types.InlineCompletionParams(context, document, where)
    first = asyncio.ensure_future(client.text_document_inline_completion_async(asked))
    offered = await asyncio.wait_for(client.text_document_inline_completion_async(asked), 60)
    await asyncio.wait([first], timeout=60)
    assert isinstance(offered, types.InlineCompletionList)
    assert all(item.range == types.Range(where, where) for item in offered.items)
    plain = await asyncio.wait_for(client.text_document_completion_async(types.CompletionParams(document, where)), 60)
    assert isinstance(plain, types.CompletionList)
    assert len(plain.items) == len(offered.items)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()

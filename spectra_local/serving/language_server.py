"""The language server: inline completion (LSP 3.18) for editors that show it, plain completion for those that do not.

Knows documents and positions; what to suggest is the completer's to know.
See https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from spectra_local import __version__
from spectra_local.completion.completer import Completer, CompletionRequest, warm_up
from spectra_local.completion.learning import LearningRules
from spectra_local.completion.related import RelatedFiles
from spectra_local.protocol import FillIn
from spectra_local.serving.document import Document
from spectra_local.serving.loading import Loading
from spectra_local.serving.request_queue import QueueFullError, RequestQueue
from spectra_local.serving.soonest import suggested_texts

ACCEPTED = "spectra-chat.accepted"  # the command that an editor runs when a suggestion was put into the text
_CLIENT = "editor"  # one editor, one cursor: a newer request replaces the older
_TYPED = "editor (typing)"  # what reads along while somebody types
_MOST_TYPED = 80  # characters that come at once from a keyboard; longer text was put there by a command
_SEVERAL = 3  # suggestions to choose from where somebody asked for them; one while typing
_REMEMBERED = 32  # gaps whose suggestions may still be accepted


def language_server(
    queue: RequestQueue,
    completer: Completer,
    *,
    max_ms: float,
    plain: bool,
    learning: LearningRules | None = None,
    related: RelatedFiles | None = None,
) -> LanguageServer:
    """A server for one editor; with ``plain`` it answers textDocument/completion too.

    The queue's assistant is loaded once the editor is there; until then there are no suggestions. ``related`` finds
    files to be read beside the one at hand; None: there are none.
    """
    server = LanguageServer("spectra-chat", __version__)
    loading = Loading(server, queue)
    rules = learning or LearningRules()
    numbers = count()
    gaps: dict[int, tuple[FillIn, bool]] = {}  # those of which an editor may still say that they were filled

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await loading.run()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        told, codec = params.text_document, server.workspace.position_codec
        server.workspace.text_documents[unquote(told.uri)] = Document(
            told.uri, told.text, told.version, told.language_id, position_codec=codec
        )

    def place(uri: str, position: types.Position) -> tuple[FillIn, bool, Callable[[], FillIn]]:
        """The gap, whether it may be learned from, and a call that finds related files for it (on the queue)."""
        gap = gap_at(server.workspace.get_text_document(uri), position)
        path = Path(to_fs_path(uri) or "") if uri.startswith("file:") else None
        others = {
            Path(name): document.source
            for other, document in server.workspace.text_documents.items()
            if other != unquote(uri) and (name := to_fs_path(other))
        }

        def whole() -> FillIn:
            return related.added_to(gap, path, queue.info.device, others) if related and path else gap

        return gap, rules.allow(path), whole

    async def suggested(
        uri: str, position: types.Position, n: int, *, line_first: bool = False
    ) -> list[tuple[int, str]]:
        """Up to ``n`` suggestions, each with the number of its gap. ``line_first``: of one its first line may do."""
        if not loading.is_done:
            return []
        gap, learn, whole = place(uri, position)
        number = next(numbers)
        gaps[number] = gap, learn
        gaps.pop(number - _REMEMBERED, None)

        def complete(_: Any) -> Iterator[Any]:
            request = CompletionRequest(whole(), max_ms=max_ms, count=n, line_first=line_first, learn=learn)
            return completer.complete(request)

        job = queue.submit(complete, client=_CLIENT, replaces=(_CLIENT, _TYPED))
        return [(number, text) for text in await suggested_texts(job)]

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        """What is typed where a suggestion was asked for is read at once: many editors ask only when a pause comes."""
        end = end_of_typing(params.content_changes)
        if end is None or not loading.is_done:
            return
        _, learn, whole = place(params.text_document.uri, end)

        def read(_: Any) -> Iterator[Any]:
            gap = whole()
            return completer.complete(warm_up(gap, learn=learn)) if completer.continues(gap) else iter(())

        with suppress(QueueFullError):
            queue.submit(read, client=_TYPED, replaces=(_TYPED, _CLIENT))

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        asked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        n = _SEVERAL if asked else 1
        found = await suggested(params.text_document.uri, params.position, n, line_first=not asked)
        here = types.Range(params.position, params.position)
        return types.InlineCompletionList(
            [types.InlineCompletionItem(text, range=here, command=_accepted(number, text)) for number, text in found]
        )

    @server.command(ACCEPTED)
    def accepted(number: int, text: str) -> None:
        """An editor put the suggestion, or a part of it, into the text."""
        if (known := gaps.get(number)) and isinstance(text, str) and text:
            gap, learn = known

            def learn_it(_: Any) -> Iterator[Any]:
                completer.accepted(gap, text, learn=learn)
                yield from ()

            queue.submit(learn_it)

    if plain:

        @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
        async def completion(params: types.CompletionParams) -> types.CompletionList:
            found = await suggested(params.text_document.uri, params.position, 1)
            here = types.Range(params.position, params.position)
            items = [
                types.CompletionItem(
                    label=text.strip().split("\n")[0],
                    kind=types.CompletionItemKind.Text,
                    detail="spectra-chat",
                    text_edit=types.TextEdit(here, text),
                    command=_accepted(number, text),
                )
                for number, text in found
            ]
            return types.CompletionList(is_incomplete=True, items=items)

    return server


def _accepted(number: int, text: str) -> types.Command:
    return types.Command("Learn the accepted suggestion", ACCEPTED, arguments=[number, text])


def gap_at(document: TextDocument, position: types.Position) -> FillIn:
    """The gap at ``position``, whose character counts in the encoding agreed on (UTF-16 units by default)."""
    offset = document.offset_at_position(position)
    path = to_fs_path(document.uri) or ""
    name = "/".join(PurePath(path).parts[-2:]) if path else ""
    return FillIn(document.source[:offset], document.source[offset:], path=name)


def end_of_typing(changes: Sequence[types.TextDocumentContentChangeEvent]) -> types.Position | None:
    """Where the cursor stands after ``changes``; None where they are more than a little text put in at one place."""
    if len(changes) != 1 or not isinstance(change := changes[0], types.TextDocumentContentChangePartial):
        return None
    text, start = change.text, change.range.start
    if not text or len(text) > _MOST_TYPED or change.range.end != start or not text.isascii():
        return None  # text of other scripts would have to be counted in the editor's units
    lines = re.split(r"\r\n|\r|\n", text)
    column = len(lines[-1]) + (start.character if len(lines) == 1 else 0)
    return types.Position(start.line + len(lines) - 1, column)

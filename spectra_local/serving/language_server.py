"""The language server: inline completion (LSP 3.18) for editors that show it, plain completion for those that do not.

Knows documents and positions; what to suggest is the completer's to know.
See https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from itertools import count
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec, TextDocument

from spectra_local import __version__
from spectra_local.completion.completer import Completer, CompletionRequest, warm_up
from spectra_local.completion.learning import LearningRules
from spectra_local.completion.related import RelatedFiles
from spectra_local.errors import SpectraError
from spectra_local.logged import logged
from spectra_local.protocol import FillIn
from spectra_local.serving.document import Document, place_at, well_formed
from spectra_local.serving.loading import Loading
from spectra_local.serving.request_queue import QueueFullError, RequestQueue
from spectra_local.serving.soonest import suggested_texts
from spectra_local.text_file import LINE_END, read_text_file

ACCEPTED = "spectra-chat.accepted"  # the command that an editor runs when a suggestion was put into the text
_CLIENT = "editor"  # one editor, one cursor: a newer request replaces the older
_TYPED = "editor (typing)"  # what reads along while somebody types
_MOST_TYPED = 80  # characters that come at once from a keyboard; longer text was put there by a command
_SEVERAL = 3  # suggestions to choose from where somebody asked for them; one while typing
_WORD_BEGUN = re.compile(r"\w*\Z")
_REMEMBERED = 32  # gaps whose suggestions may still be accepted


class _Server(LanguageServer):
    """Says nothing in the editor's window of a message that means nothing, such as a change of an unknown document."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """What is ours to mend is in the log."""
        logged(__name__, "an editor's message could not be handled", error)


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
    server = _Server("spectra-chat", __version__)
    loading = Loading(server, queue)
    rules = learning or LearningRules()
    numbers = count()
    gaps: dict[int, Gap] = {}  # those of which an editor may still say that they were filled

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await loading.run()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        told, codec = params.text_document, server.workspace.position_codec
        server.workspace.text_documents[unquote(told.uri)] = Document(
            told.uri, told.text, told.version, told.language_id, position_codec=codec
        )

    def document(uri: str) -> TextDocument | None:
        """The one that the editor holds, or the file as it is on the disk; None where there is neither."""
        if unquote(uri) in server.workspace.text_documents:
            return server.workspace.get_text_document(uri)
        path = Path(to_fs_path(uri) or "") if uri.startswith("file:") else None
        if path is None or not path.is_file():
            return None
        with suppress(SpectraError):
            return Document(uri, read_text_file(str(path)).text, position_codec=server.workspace.position_codec)
        return None

    def gap(uri: str, position: types.Position) -> Gap | None:
        """The gap at ``position``; None where there is no such document."""
        if (found := document(uri)) is None:
            return None
        place = place_at(found.source, position, found.position_codec)
        fill_in = gap_at(found, position)
        path = Path(to_fs_path(uri) or "") if uri.startswith("file:") else None
        others = {
            Path(name): well_formed(each.source)
            for other, each in server.workspace.text_documents.items()
            if other != unquote(uri) and (name := to_fs_path(other))
        }

        def whole() -> FillIn:
            return related.added_to(fill_in, path, queue.info.device, others) if related and path else fill_in

        return Gap(fill_in, place.position, rules.allow(path), whole, codec=found.position_codec)

    async def suggested(gap: Gap | None, n: int, *, line_first: bool = False) -> list[tuple[int, str]]:
        """Up to ``n`` suggestions, each with the number of its gap. ``line_first``: of one its first line may do."""
        if gap is None or not loading.is_done:
            return []
        number = next(numbers)
        gaps[number] = gap
        gaps.pop(number - _REMEMBERED, None)

        def complete(_: Any) -> Iterator[Any]:
            request = CompletionRequest(gap.whole(), max_ms=max_ms, count=n, line_first=line_first, learn=gap.learn)
            return completer.complete(request)

        job = queue.submit(complete, client=_CLIENT, replaces=(_CLIENT, _TYPED))
        return [(number, text) for text in await suggested_texts(job)]

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        """What is typed where a suggestion was asked for is read at once: many editors ask only when a pause comes."""
        end = end_of_typing(params.content_changes)
        if end is None or not loading.is_done or (here := gap(params.text_document.uri, end)) is None:
            return

        def read(_: Any) -> Iterator[Any]:
            whole = here.whole()
            return completer.complete(warm_up(whole, learn=here.learn)) if completer.continues(whole) else iter(())

        with suppress(QueueFullError):
            queue.submit(read, client=_TYPED, replaces=(_TYPED, _CLIENT))

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        asked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        here = gap(params.text_document.uri, params.position)
        found = await suggested(here, _SEVERAL if asked else 1, line_first=not asked)
        return types.InlineCompletionList([here.inline_item(number, text) for number, text in found] if here else [])

    @server.command(ACCEPTED)
    def accepted(number: int, text: str) -> None:
        """An editor put the suggestion, or a part of it, into the text."""
        if (known := gaps.get(number)) and isinstance(text, str) and text:

            def learn_it(_: Any) -> Iterator[Any]:
                completer.accepted(known.fill_in, text, learn=known.learn)
                yield from ()

            queue.submit(learn_it)

    if plain:

        @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
        async def completion(params: types.CompletionParams) -> types.CompletionList:
            here = gap(params.text_document.uri, params.position)
            found = await suggested(here, 1)
            items = [here.item(number, text) for number, text in found] if here else []
            return types.CompletionList(is_incomplete=True, items=items)

    return server


def served_on_stdio(server: LanguageServer) -> bool:
    """Serves until it is told to end, or its input does. False where it was not asked to shut down before, as LSP has
    it."""
    told: list[str] = []

    @server.feature(types.SHUTDOWN)
    def shut_down(params: None) -> None:
        told.append(types.SHUTDOWN)

    @server.feature(types.EXIT)
    def leave(params: None) -> None:
        told.append(types.EXIT)

    # What pygls writes to it closes; stdout itself stays open for what is flushed at the end of every command.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        server.start_io(stdout=out)
    return told != [types.EXIT]


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap that an editor asked about, and its suggestions as the editor takes them."""

    fill_in: FillIn
    position: types.Position
    learn: bool  # whether it may be learned from
    whole: Callable[[], FillIn]  # finds related files for it; to be called on the queue
    _: KW_ONLY
    codec: PositionCodec

    def inline_item(self, number: int, text: str) -> types.InlineCompletionItem:
        """``number``: the gap's, by which the editor says that it took ``text``."""
        here = types.Range(self.position, self.position)
        return types.InlineCompletionItem(text, range=here, command=_accepted(number, text))

    def item(self, number: int, text: str) -> types.CompletionItem:
        """As part of the word that was begun: editors compare that with the filter text, and replace it."""
        typed = _WORD_BEGUN.search(self.fill_in.prefix)[0]  # type: ignore[index]  # it matches where there is none
        column = self.position.character - self.codec.client_num_units(typed)
        label = LINE_END.split((typed + text).strip())[0]
        return types.CompletionItem(
            label=label or "(white space)",
            kind=types.CompletionItemKind.Text,
            detail="spectra-chat",
            filter_text=label or None,
            insert_text_mode=types.InsertTextMode.AsIs,  # it is indented already
            text_edit=types.TextEdit(
                types.Range(types.Position(self.position.line, column), self.position), typed + text
            ),
            command=_accepted(number, text),
        )


def _accepted(number: int, text: str) -> types.Command:
    return types.Command("Learn the accepted suggestion", ACCEPTED, arguments=[number, text])


def gap_at(document: TextDocument, position: types.Position) -> FillIn:
    """The gap at ``position``, whose character counts in the encoding agreed on (UTF-16 units by default)."""
    offset = place_at(document.source, position, document.position_codec).offset
    path = to_fs_path(document.uri) or ""
    name = "/".join(PurePath(path).parts[-2:]) if path else ""
    return FillIn(well_formed(document.source[:offset]), well_formed(document.source[offset:]), path=name)


def end_of_typing(changes: Sequence[types.TextDocumentContentChangeEvent]) -> types.Position | None:
    """Where the cursor stands after ``changes``; None where they are more than a little text put in at one place."""
    if len(changes) != 1 or not isinstance(change := changes[0], types.TextDocumentContentChangePartial):
        return None
    text, start = change.text, change.range.start
    if not text or len(text) > _MOST_TYPED or change.range.end != start or not text.isascii():
        return None  # text of other scripts would have to be counted in the editor's units
    lines = LINE_END.split(text)
    column = len(lines[-1]) + (start.character if len(lines) == 1 else 0)
    return types.Position(start.line + len(lines) - 1, column)

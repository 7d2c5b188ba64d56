"""The language server: inline completion (LSP 3.18) for editors that show it, plain completion for those that do not.

Knows documents and positions; what to suggest is the completer's to know.
See https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/
"""

from pathlib import PurePath

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from spectra_local import __version__
from spectra_local.completion.completer import Completer, CompletionRequest, Suggestion
from spectra_local.protocol import FillIn
from spectra_local.serving.loading import Loading
from spectra_local.serving.request_queue import RequestQueue

_CLIENT = "editor"  # one editor, one cursor: a newer request replaces the older


def language_server(queue: RequestQueue, completer: Completer, *, max_ms: float, plain: bool) -> LanguageServer:
    """A server for one editor; with ``plain`` it answers textDocument/completion too.

    The queue's assistant is loaded once the editor is there; until then there are no suggestions.
    """
    server = LanguageServer("spectra-chat", __version__)
    loading = Loading(server, queue)

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await loading.run()

    async def suggested(uri: str, position: types.Position) -> str:
        if not loading.is_done:
            return ""
        document = server.workspace.get_text_document(uri)
        request = CompletionRequest(gap_at(document, position), max_ms=max_ms)
        job = queue.submit(lambda _: completer.complete(request), client=_CLIENT, replaces=(_CLIENT,))
        try:
            async for item in job.events():
                if isinstance(item, Suggestion):
                    return "" if item.finish_reason == "cancelled" else item.text
            return ""
        finally:
            job.cancel()  # the editor cancelled: this coroutine ends, and with it the decoding

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        text = await suggested(params.text_document.uri, params.position)
        here = types.Range(params.position, params.position)
        return types.InlineCompletionList([types.InlineCompletionItem(text, range=here)] if text.strip() else [])

    if plain:

        @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
        async def completion(params: types.CompletionParams) -> types.CompletionList:
            text = await suggested(params.text_document.uri, params.position)
            here = types.Range(params.position, params.position)
            item = types.CompletionItem(
                label=text.strip().split("\n")[0],
                kind=types.CompletionItemKind.Text,
                detail="spectra-chat",
                text_edit=types.TextEdit(here, text),
            )
            return types.CompletionList(is_incomplete=True, items=[item] if text.strip() else [])

    return server


def gap_at(document: TextDocument, position: types.Position) -> FillIn:
    """The gap at ``position``, whose character counts in the encoding agreed on (UTF-16 units by default)."""
    offset = document.offset_at_position(position)
    path = to_fs_path(document.uri) or ""
    name = "/".join(PurePath(path).parts[-2:]) if path else ""
    return FillIn(document.source[:offset], document.source[offset:], path=name)

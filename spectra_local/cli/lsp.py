"""``spectra-chat lsp``: a language server on stdin and stdout."""

from contextlib import closing

import click

from spectra_local.cli.learning import learning_rules
from spectra_local.cli.options import WantedModel, engine_options
from spectra_local.cli.outcome import EXIT_FAILURE
from spectra_local.errors import SpectraError
from spectra_local.protocol import EngineOptions

_MAX_MS = 1000  # llama.vim's default for a suggestion that is not awaited at once


@click.command()
@engine_options
@click.option("--max-ms", default=_MAX_MS, show_default=True, type=click.IntRange(1), help="Time for a suggestion.")
@click.option("--plain-completion", is_flag=True, help="Answer textDocument/completion too, e.g. for Helix.")
def lsp(model: WantedModel, options: EngineOptions, max_ms: int, plain_completion: bool) -> int:
    """Complete code in an editor that speaks LSP; the editor starts this command itself."""
    try:
        import pygls  # noqa: F401
    except ImportError as error:
        raise SpectraError("'lsp' needs one more package: pip install '.[lsp]'") from error
    from spectra_local.cli.late_engine import LateEngine
    from spectra_local.completion.completer import Completer
    from spectra_local.completion.related import RelatedFiles
    from spectra_local.serving.language_server import language_server, served_on_stdio
    from spectra_local.serving.request_queue import RequestQueue

    rules = learning_rules()
    with closing(LateEngine(model, options)) as engine, closing(RequestQueue(engine)) as queue:
        server = language_server(
            queue,
            Completer(engine),
            max_ms=max_ms,
            plain=plain_completion,
            learning=rules,
            related=RelatedFiles(),
        )
        return 0 if served_on_stdio(server) else EXIT_FAILURE

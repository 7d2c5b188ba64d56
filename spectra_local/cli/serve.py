"""``spectra-chat serve``: HTTP for editors and OpenAI clients."""

import signal
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from spectra_local.cli.learning import learns_from
from spectra_local.cli.opening import open_engine, tell
from spectra_local.cli.options import WantedModel, engine_options
from spectra_local.errors import SpectraError, UsageError
from spectra_local.protocol import EngineOptions
from spectra_local.worker import EngineProcess

if TYPE_CHECKING:
    from spectra_local.serving.access import Access
    from spectra_local.serving.bodies import BodyLimits

_PORT = 8012  # llama.vim's and llama.vscode's default
_MAX_TOKENS = 4096
_MAX_BODY_MB = 16


@click.command()
@engine_options
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option(
    "--token",
    envvar="SPECTRA_TOKEN",
    metavar="TEXT",
    help="Ask clients for this token; needed with a --host that others can reach. Better in SPECTRA_TOKEN: "
    "what stands on a command line can be seen by all users of the machine.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let this web page or extension ask and read the answers, e.g. http://localhost:3000. May be given more than "
    "once; '*' lets all.",
)
@click.option("--max-tokens", default=_MAX_TOKENS, show_default=True, type=click.IntRange(1), help="Of one answer.")
@click.option("--max-body", default=_MAX_BODY_MB, show_default=True, type=click.IntRange(1, 20), help="In MB.")
def serve(
    model: WantedModel,
    options: EngineOptions,
    host: str,
    port: int,
    token: str | None,
    origins: tuple[str, ...],
    max_tokens: int,
    max_body: int,
) -> int:
    """Answer llama.vim, llama.vscode and OpenAI clients over HTTP.

    \b
    /infill                                  fill-in, as llama.vim and llama.vscode ask for it
    /v1/completions  /v1/chat/completions    as OpenAI's clients ask; also with prediction and suffix
    /v1/models  /props  /health  /metrics

    Ctrl+c (exit code 130) and SIGTERM (exit code 0) end it; running answers get a second to finish
    and then end with what there is of them.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SpectraError("'serve' needs two more packages: pip install '.[server]'") from error
    from spectra_local.serving.access import LOOPBACK, Access
    from spectra_local.serving.bodies import BodyLimits
    from spectra_local.serving.origins import Origins

    if token is not None and (not token.strip() or not token.isascii()):
        raise UsageError("the token must be ASCII text and not empty")
    if host not in LOOPBACK and token is None:
        raise UsageError(f"others can reach {host}: set a token (SPECTRA_TOKEN or --token), or listen on 127.0.0.1")
    allowed = Origins(origins)
    with closing(_bound_socket(host, port)) as listener:
        access = Access(token, LOOPBACK if listener.getsockname()[0] in LOOPBACK else None, allowed)
        _serve(listener, model, options, access, max_tokens, BodyLimits(max_body << 20))
    return 0


def _serve(
    listener: socket.socket,
    model: WantedModel,
    options: EngineOptions,
    access: "Access",
    max_tokens: int,
    bodies: "BodyLimits",
) -> None:
    from spectra_local.catalogue.naming import name_of
    from spectra_local.completion.completer import Completer
    from spectra_local.serving.answers import Service
    from spectra_local.serving.app import web_app
    from spectra_local.serving.metrics import Metrics
    from spectra_local.serving.request_queue import RequestQueue
    from spectra_local.serving.server import AnswerServer

    address, port = listener.getsockname()[:2]
    learn = learns_from(None)
    with ExitStack() as opened:

        def open_queue(engine: EngineProcess) -> RequestQueue:
            engine.tell = tell  # of crashes who runs the server must hear, not who asks
            opened.enter_context(closing(engine))
            return opened.enter_context(closing(RequestQueue(engine)))

        engine = open_engine(model, options, has_lines=True)
        queue = typing = open_queue(engine)
        if beside := engine.beside():  # whose requests go between two tokens of the others'
            typing = open_queue(beside)
        completer = Completer(beside or engine)
        name = name_of(queue.info.path, queue.info.name)
        app = web_app(
            Service(queue, typing, completer, Metrics(), max_tokens=max_tokens, model_id=name, learn=learn),
            access,
            bodies,
        )
        shown = f"[{address}]" if ":" in address else address
        listener.listen()  # before the address is told: who connects at once must not be refused
        click.echo(f"{name} answers at http://{shown}:{port} (ctrl+c ends it)", err=True)
        # uvicorn raises the signal that ended it once more when it is done: that would end what follows here too.
        signal.signal(signal.SIGTERM, lambda *_: None)
        AnswerServer(app, {queue, typing}).run(sockets=[listener])


def _bound_socket(host: str, port: int) -> socket.socket:
    """Bound before the model is loaded: a taken port should not cost the wait. Raises SpectraError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}: {error.strerror or error}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SpectraError(f"cannot listen on {host} port {port}: {error.strerror}; try another --port") from error
    return listener

"""The web application: which path is answered by whom, and every way to fail as a status and one line."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from spectra_local.serving.about import about
from spectra_local.serving.access import Access, App, guarded
from spectra_local.serving.answers import Service
from spectra_local.serving.bodies import BodyLimits, whole_body
from spectra_local.serving.chat import chat_completions
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.infill import infill
from spectra_local.serving.metrics import CONTENT_TYPE
from spectra_local.serving.paths import canonical
from spectra_local.serving.replies import error_reply, status_of
from spectra_local.serving.text_completions import completions

Endpoint = Callable[[Service, HttpRequest, Fields], Awaitable[Response]]

_POST: dict[str, Endpoint] = {
    "/infill": infill,
    "/v1/chat/completions": chat_completions,
    "/v1/completions": completions,
}


def web_app(service: Service, access: Access, limits: BodyLimits | None = None) -> App:
    """Everything that ``serve`` answers, behind ``access``."""
    bodies = limits or BodyLimits()

    async def metrics(http: HttpRequest) -> Response:
        queues = {service.queue, service.typing}
        text = service.metrics.exposition(
            service.completer.outcomes,
            processing=sum(queue.n_running for queue in queues),
            waiting=sum(queue.n_waiting for queue in queues),
        )
        return Response(text, media_type=CONTENT_TYPE)

    # The paths here are canonical; requests are counted under the names that are documented.
    get = {**about(service), "/metrics": metrics}
    routes = [Route(path, answer, methods=["GET"]) for path, answer in get.items()]
    for path, answer in _POST.items():
        routes.append(Route(canonical(path), _endpoint(service, path, answer, bodies), methods=["POST"]))
    handlers = {HTTPException: _http_error, RequestError: _any_error, Exception: _any_error}
    return guarded(Starlette(routes=routes, exception_handlers=handlers), access)


def _endpoint(
    service: Service, path: str, answer: Endpoint, limits: BodyLimits
) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def endpoint(http: HttpRequest) -> Response:
        try:
            reply = await answer(service, http, Fields.parse(await whole_body(http, limits)))
        except Exception as error:
            reply = error_reply(error)
            service.metrics.count_request(path, status_of(error))
        else:
            service.metrics.count_request(path, reply.status_code)
        return reply

    return endpoint


async def _http_error(http: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing at this path", 405: f"{http.method} is not answered at this path"}
    reply = error_reply(RequestError(words.get(error.status_code, error.detail), status=error.status_code))
    reply.headers.update(error.headers or {})
    return reply


async def _any_error(http: HttpRequest, error: Exception) -> Response:
    return error_reply(error)

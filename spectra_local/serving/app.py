"""The web application: which path is answered by whom, and every way to fail as a status and one line."""

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from spectra_local.serving.access import Access, App, guarded
from spectra_local.serving.answers import Service
from spectra_local.serving.chat import chat_completions
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.infill import infill
from spectra_local.serving.metrics import CONTENT_TYPE
from spectra_local.serving.replies import error_reply, json_reply, status_of
from spectra_local.serving.text_completions import completions

Endpoint = Callable[[Service, HttpRequest, Fields], Awaitable[Response]]

_POST: dict[str, Endpoint] = {
    "/infill": infill,
    "/v1/chat/completions": chat_completions,
    "/v1/completions": completions,
}


def web_app(service: Service, access: Access) -> App:
    """Everything that ``serve`` answers, behind ``access``."""
    started = int(time.time())

    async def health(http: HttpRequest) -> Response:
        return json_reply({"status": "ok"})

    async def models(http: HttpRequest) -> Response:
        return json_reply({"object": "list", "data": [_model(service, started)]})

    async def metrics(http: HttpRequest) -> Response:
        queues = {service.queue, service.typing}
        text = service.metrics.exposition(
            service.completer.outcomes,
            processing=sum(queue.n_running for queue in queues),
            waiting=sum(queue.n_waiting for queue in queues),
        )
        return Response(text, media_type=CONTENT_TYPE)

    get = {"/health": health, "/v1/models": models, "/models": models, "/metrics": metrics}
    routes = [Route(path, answer, methods=["GET"]) for path, answer in get.items()]
    routes += [Route(path, _endpoint(service, path, answer), methods=["POST"]) for path, answer in _POST.items()]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error})
    return guarded(app, access)


def _model(service: Service, started: int) -> dict[str, object]:
    info = service.queue.info
    meta = {"n_vocab": info.n_vocab, "n_ctx": info.n_ctx, "n_ctx_train": info.n_ctx_train, "n_params": info.n_params}
    owner = {"object": "model", "created": started, "owned_by": "spectra-chat"}
    return {"id": service.model_id, **owner, "meta": {**meta, "size": info.size_bytes}}


def _endpoint(service: Service, path: str, answer: Endpoint) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def endpoint(http: HttpRequest) -> Response:
        try:
            reply = await answer(service, http, Fields.parse(await http.body()))
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
    return error_reply(RequestError(words.get(error.status_code, error.detail), status=error.status_code))

"""``POST /infill`` as llama.vim and llama.vscode use it: text around a cursor in, text to insert out.

Drawn greedily unless ``temperature`` says otherwise; ``samplers`` and ``t_max_prompt_ms`` are ignored. A request with
``n_predict`` 0 only reads its context into the KV cache, for the next one.
See https://github.com/ggml-org/llama.cpp/tree/master/tools/server
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from spectra_local.completion.completer import CompletionRequest, Piece, Suggestion, warm_up
from spectra_local.protocol import Assistant, Done, ExtraFile, FillIn
from spectra_local.serving import openai
from spectra_local.serving.answers import Service, cancelled_with
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.replies import error_body, json_reply, server_sent
from spectra_local.serving.request_queue import AnswerCutError, RequestCancelledError
from spectra_local.timings_json import timings_json

_STOP_TYPES = {"stop": "eos", "length": "limit", "context": "limit", "time": "limit", "rule": "word"}


async def infill(service: Service, http: HttpRequest, fields: Fields) -> Response:
    """Completes at a cursor. A newer request of the same client cancels the older; a warm-up cancels none."""
    request, is_warm_up = _completion_request(service, fields)
    events = _events(service, http, request, is_warm_up=is_warm_up)
    if fields.flag("stream"):
        first = await anext(events)  # while the status can still say what is wrong
        return StreamingResponse(server_sent(_chunks(service, first, events)), media_type="text/event-stream")
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Suggestion):
                return json_reply(_chosen(_answer(service, event), fields))
    raise RequestCancelledError


def _completion_request(service: Service, fields: Fields) -> tuple[CompletionRequest, bool]:
    fill_in = FillIn(
        prefix=fields.plain_text("input_prefix"),
        suffix=fields.plain_text("input_suffix"),
        middle=fields.plain_text("prompt", ""),
        extra=tuple(ExtraFile(x.text("filename", ""), x.plain_text("text")) for x in fields.objects("input_extra")),
    )
    openai.refuse_unsupported(fields)
    if openai.count(fields) != 1:
        raise RequestError("n other than 1 is not supported here", field="n")
    for name in ("echo", "logprobs", "top_logprobs", "n_probs"):
        if fields.is_on(name):
            raise RequestError(f"{name} is not supported here", field=name)
    n_predict = fields.integer("n_predict", -1)
    if n_predict < -1:
        raise RequestError("n_predict must be -1 (no limit), 0 (read the context only) or more", field="n_predict")
    if n_predict == 0:
        return warm_up(fill_in, learn=service.learn), True
    max_ms = fields.number("t_max_predict_ms", 0)
    return CompletionRequest(
        fill_in,
        max_tokens=service.limited(n_predict),
        max_ms=max_ms if max_ms > 0 else None,
        sampling=openai.sampling(fields),
        stop=openai.stops(fields),
        learn=service.learn,
    ), False


async def _events(
    service: Service, http: HttpRequest, request: CompletionRequest, *, is_warm_up: bool
) -> AsyncGenerator[Piece | Suggestion, None]:
    def complete(assistant: Assistant) -> Iterator[Piece | Suggestion]:
        for item in service.completer.complete(request):
            if isinstance(item, Suggestion):
                _count(service, item)
            yield item

    client = f"{http.client.host if http.client else ''} {http.headers.get('user-agent', '')}"
    warm_up = f"{client} (warm-up)"
    job = service.typing.submit(
        complete, client=warm_up if is_warm_up else client, replaces=(warm_up,) if is_warm_up else (warm_up, client)
    )
    async with cancelled_with(http, job):
        async for item in job.events():
            if isinstance(item, Suggestion) and item.finish_reason == "cancelled" and not (job.ending and item.text):
                break
            if isinstance(item, Suggestion):
                yield replace(item, text="") if is_warm_up else item
                return
            yield item
    raise job.why_none()


def _count(service: Service, item: Suggestion) -> None:
    known = {"stop", "length", "context", "cancelled"}
    reason = item.finish_reason if item.finish_reason in known else "stop"
    service.metrics.count_answer(Done(reason, item.timings, item.n_past, 0))  # type: ignore[arg-type]


async def _chunks(
    service: Service, first: Piece | Suggestion, events: AsyncGenerator[Piece | Suggestion, None]
) -> AsyncGenerator[dict[str, Any], None]:
    given = ""
    async with aclosing(events):
        item: Piece | Suggestion | None = first
        while item is not None:
            if isinstance(item, Suggestion):
                yield {**_answer(service, item), "content": item.text.removeprefix(given)}
                return
            given += item.text
            yield {"content": item.text, "stop": False}
            item = await anext(events, None)


def _answer(service: Service, item: Suggestion) -> dict[str, Any]:
    timings = item.timings
    per_token = {
        "prompt_per_token_ms": round(timings.prompt_ms / max(1, timings.prompt_n), 3),
        "predicted_per_token_ms": round(timings.predicted_ms / max(1, timings.predicted_n), 3),
    }
    return {
        "content": item.text,
        "stop": True,
        "model": service.model_id,
        "tokens_predicted": timings.predicted_n,
        "tokens_evaluated": timings.prompt_n + timings.cache_n,
        "tokens_cached": item.n_past,
        "truncated": item.finish_reason == "context",
        "stop_type": _STOP_TYPES.get(item.finish_reason, "none"),
        "by_instruction": item.by_instruction,
        "generation_settings": {"n_ctx": service.queue.info.n_ctx},
        "timings": {**timings_json(timings), **per_token},
        **(error_body(AnswerCutError()) if item.finish_reason == "cancelled" else {}),
    }


def _chosen(answer: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Of ``answer`` what ``response_fields`` names, a nested one under its path: ``timings/prompt_n``."""
    if not fields.has("response_fields"):
        return answer
    chosen: dict[str, Any] = {}
    for path in fields.texts("response_fields", most=100):
        value: Any = answer
        for step in path.split("/"):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            chosen[path] = value
    return chosen

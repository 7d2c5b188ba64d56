"""``POST /v1/completions``: raw text continued, or a gap filled."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from spectra_local.completion.window import windowed
from spectra_local.protocol import FillIn, Request
from spectra_local.serving import openai
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.openai_replies import Shape, reply

_SHAPE = Shape(
    "cmpl", "text_completion", "text_completion", choice=lambda text: {"text": text}, delta=lambda text: {"text": text}
)


async def completions(service: Service, http: HttpRequest, fields: Fields) -> Response:
    """The continuation of ``prompt``, up to ``suffix`` where one is given."""
    openai.refuse_unsupported(fields)
    for name in ("echo", "logprobs"):
        if fields.has(name) and (fields.integer(name, 0) if name == "logprobs" else fields.flag(name)):
            raise RequestError(f"{name} is not supported", field=name)
    prompts = fields.texts("prompt", most=1)
    if not prompts:
        raise RequestError("prompt is missing or empty", field="prompt")
    info = service.queue.info
    fill_in = windowed(FillIn(prompts[0], fields.text("suffix")), info.device) if fields.has("suffix") else None
    if fill_in and not info.fill_in:
        raise RequestError("suffix is not supported: this model has no fill-in tokens", field="suffix")
    request = Request(
        prompt=None if fill_in else prompts[0],
        fill_in=fill_in,
        sampling=openai.sampling(fields),
        max_tokens=openai.max_tokens(service, fields, "max_tokens", "n_predict"),
        stop=openai.stops(fields),
        learn=service.learn,
        kind="complete" if fill_in else "chat",
    )
    return await reply(service, http, fields, request, _SHAPE)

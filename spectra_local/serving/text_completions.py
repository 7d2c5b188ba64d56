"""``POST /v1/completions``: raw text continued, or a gap filled."""

from dataclasses import replace

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from spectra_local.completion.window import windowed
from spectra_local.protocol import FillIn, Request
from spectra_local.serving import openai
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.openai_logprobs import TextLogprobs
from spectra_local.serving.openai_replies import Shape, reply

_MOST_PROMPTS = 256
_SHAPE = Shape(
    "cmpl",
    "text_completion",
    "text_completion",
    choice=lambda text: {"text": text},
    delta=lambda text: {"text": text},
    logprobs=TextLogprobs,
)

Prompt = str | tuple[int, ...]


async def completions(service: Service, http: HttpRequest, fields: Fields) -> Response:
    """The continuation of each ``prompt``, up to ``suffix`` where one is given."""
    openai.refuse_unsupported(fields)
    prompts = _prompts(fields)
    plain = Request(
        sampling=openai.sampling(fields),
        max_tokens=openai.max_tokens(service, fields, "max_tokens", "n_predict"),
        stop=openai.stops(fields),
        learn=service.learn,
        count=openai.count(fields),
        logprobs=openai.top_logprobs(fields, "logprobs") if fields.has("logprobs") else None,
        echo=fields.flag("echo"),
    )
    asked = _filling_in if fields.has("suffix") else _continuing
    return await reply(service, http, fields, [asked(service, fields, plain, prompt) for prompt in prompts], _SHAPE)


def _continuing(service: Service, fields: Fields, plain: Request, prompt: Prompt) -> Request:
    return replace(plain, prompt=prompt) if isinstance(prompt, str) else replace(plain, prompt_ids=prompt)


def _filling_in(service: Service, fields: Fields, plain: Request, prompt: Prompt) -> Request:
    info = service.queue.info
    if not info.fill_in:
        raise RequestError("suffix is not supported: this model has no fill-in tokens", field="suffix")
    if plain.echo:
        raise RequestError("echo is not supported together with suffix", field="echo")
    if not isinstance(prompt, str):
        raise RequestError("suffix needs a prompt of text, not of tokens", field="suffix")
    return replace(plain, fill_in=windowed(FillIn(prompt, fields.text("suffix")), info.device), kind="complete")


def _prompts(fields: Fields) -> list[Prompt]:
    """A text, tokens, or a list of either. Raises RequestError."""
    if not fields.is_list("prompt"):
        given: list[Prompt] = [fields.text("prompt", "")]
    else:
        items = fields.items("prompt")
        given = [_tokens(items)] if items and openai.is_token(items[0]) else [_prompt(item) for item in items]
    if not given or not all(given):
        raise RequestError("prompt is missing or empty", field="prompt")
    if len(given) > _MOST_PROMPTS:
        raise RequestError(f"prompt holds {len(given)} prompts, at most {_MOST_PROMPTS} are allowed", field="prompt")
    return given


def _prompt(item: object) -> Prompt:
    return Fields({"prompt": item}).text("prompt") if isinstance(item, str) else _tokens(item)


def _tokens(item: object) -> tuple[int, ...]:
    if not isinstance(item, list) or not all(map(openai.is_token, item)):
        raise RequestError("prompt must be a string, a list of token ids, or a list of such", field="prompt")
    return tuple(item)

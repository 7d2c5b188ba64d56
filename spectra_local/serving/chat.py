"""``POST /v1/chat/completions``."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from spectra_local.errors import ContextFullError
from spectra_local.protocol import Message, Request, Role
from spectra_local.serving import openai
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.openai_logprobs import ChatLogprobs
from spectra_local.serving.openai_replies import Shape, reply

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}  # the field, by kind

_SHAPE = Shape(
    "chatcmpl",
    "chat.completion",
    "chat.completion.chunk",
    choice=lambda text: {"message": {"role": "assistant", "content": text}},
    delta=lambda text: {"delta": {"content": text} if text else {}},
    logprobs=ChatLogprobs,
    opening={"delta": {"role": "assistant", "content": ""}},
)


async def chat_completions(service: Service, http: HttpRequest, fields: Fields) -> Response:
    """The next turn of a conversation; ``prediction`` is text the caller expects, which makes the answer cheap."""
    truncate = _truncates(fields)
    openai.refuse_unsupported(fields)
    if fields.flag("echo"):
        raise RequestError("echo is not supported in chats", field="echo")
    try:
        return await reply(service, http, fields, [_request(service, fields, truncate=truncate)], _SHAPE)
    except ContextFullError as error:
        if truncate or len(fields.objects("messages")) == 1:
            raise
        raise ContextFullError(f'{error}; "truncation": "auto" leaves out the oldest messages') from error


def _request(service: Service, fields: Fields, *, truncate: bool) -> Request:
    return Request(
        messages=_messages(fields, None if truncate else service.queue.info.n_ctx),
        sampling=openai.sampling(fields),
        max_tokens=openai.max_tokens(service, fields, "max_completion_tokens", "max_tokens", "n_predict"),
        stop=openai.stops(fields),
        prediction=_prediction(fields),
        truncate=truncate,
        count=openai.count(fields),
        logprobs=_logprobs(fields),
    )


def _logprobs(fields: Fields) -> int | None:
    n_top = openai.top_logprobs(fields, "top_logprobs")
    if n_top and not fields.flag("logprobs"):
        raise RequestError("top_logprobs needs logprobs to be true", field="top_logprobs")
    return n_top if fields.flag("logprobs") else None


def _truncates(fields: Fields) -> bool:
    """Whether the oldest messages may be left out; the name and the values are those of OpenAI's responses."""
    wanted = fields.text("truncation", "disabled")
    if wanted not in ("auto", "disabled"):
        raise RequestError('truncation must be "auto" or "disabled"', field="truncation")
    return wanted == "auto"


def _messages(fields: Fields, n_ctx: int | None) -> tuple[Message, ...]:
    """``n_ctx``: tokens that all of them have to fit into."""
    items = fields.objects("messages")
    if n_ctx is not None and len(items) > n_ctx:
        raise ContextFullError(f"there are {len(items)} messages and the context holds {n_ctx} tokens; shorten it")
    if not items:
        raise RequestError("messages is missing or empty", field="messages")
    return tuple(_message(item) for item in items)


def _message(item: Fields) -> Message:
    role = item.text("role")
    if role not in _ROLES:
        raise RequestError(f"{item.name('role')} must be one of {', '.join(_ROLES)}", field=item.name("role"))
    return Message(_ROLES[role], _content(item))


def _prediction(fields: Fields) -> str | None:
    prediction = fields.object("prediction")
    if prediction is None:
        return None
    if prediction.text("type", "content") != "content":
        raise RequestError("prediction.type must be content", field="prediction.type")
    return _content(prediction, between="") or None  # parts of one text, word by word


def _content(item: Fields, between: str = "\n") -> str:
    """A text, or the texts of a list of parts."""
    if not item.has("content") or item.is_text("content"):
        return item.text("content", "")
    parts = item.objects("content")
    return between.join(map(_part, parts))


def _part(part: Fields) -> str:
    kind = part.text("type", "text")
    if kind not in _TEXTS:
        named = ", ".join(_TEXTS)
        raise RequestError(f"{part.name('type')} must be one of {named}", field=part.name("type"))
    return part.text(_TEXTS[kind])

"""``POST /v1/chat/completions``."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from spectra_local.protocol import Message, Request, Role
from spectra_local.serving import openai
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError
from spectra_local.serving.openai_replies import Shape, reply

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

_SHAPE = Shape(
    "chatcmpl",
    "chat.completion",
    "chat.completion.chunk",
    choice=lambda text: {"message": {"role": "assistant", "content": text}},
    delta=lambda text: {"delta": {"content": text} if text else {}},
    opening={"delta": {"role": "assistant", "content": ""}},
)


async def chat_completions(service: Service, http: HttpRequest, fields: Fields) -> Response:
    """The next turn of a conversation; ``prediction`` is text the caller expects, which makes the answer cheap."""
    openai.refuse_unsupported(fields)
    if fields.flag("logprobs"):
        raise RequestError("logprobs are not supported", field="logprobs")
    request = Request(
        messages=_messages(fields),
        sampling=openai.sampling(fields),
        max_tokens=openai.max_tokens(service, fields, "max_completion_tokens", "max_tokens", "n_predict"),
        stop=openai.stops(fields),
        prediction=_prediction(fields),
    )
    return await reply(service, http, fields, request, _SHAPE)


def _messages(fields: Fields) -> tuple[Message, ...]:
    items = fields.objects("messages")
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
    return _content(prediction) or None


def _content(item: Fields) -> str:
    """A text, or the texts of a list of parts."""
    if not item.has("content") or item.is_text("content"):
        return item.text("content", "")
    parts = item.objects("content")
    for part in parts:
        if part.text("type", "text") != "text":
            raise RequestError(f"{part.name('type')} must be text", field=part.name("type"))
    return "".join(part.text("text") for part in parts)

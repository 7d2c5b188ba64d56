"""What OpenAI's two endpoints share: sampling and limits read from a request, usage and ends told in an answer.

See https://platform.openai.com/docs/api-reference
"""

from typing import Any

from spectra_local.protocol import Done, Sampling, Timings
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError

_MOST_STOPS = 16
# "error" is no word of OpenAI's: other servers say it of an answer that was cut off, and no word of OpenAI's is true.
_ENDS = {"stop": "stop", "length": "length", "context": "length", "cancelled": "error"}
_PREDICTION = "prediction"  # the source under which accepted tokens of a caller's prediction are counted


def sampling(fields: Fields) -> Sampling:
    """How tokens are drawn; greedy where the client does not say. Raises RequestError."""
    plain = Sampling()
    seed = fields.integer("seed", -1)
    return Sampling(
        temperature=fields.number("temperature", plain.temperature),
        top_k=fields.integer("top_k", plain.top_k),
        top_p=fields.number("top_p", plain.top_p),
        min_p=fields.number("min_p", plain.min_p),
        repeat_penalty=fields.number("repeat_penalty", plain.repeat_penalty),
        dry_multiplier=fields.number("dry_multiplier", plain.dry_multiplier),
        seed=None if seed < 0 else seed,
    )


def max_tokens(service: Service, fields: Fields, *names: str) -> int:
    """The limit under the first of ``names`` that is given, within the server's own. Raises RequestError."""
    for name in names:
        if fields.has(name):
            asked = fields.integer(name, 0)
            if asked == 0 or asked < -1:
                raise RequestError(f"{name} must be at least 1", field=name)
            return service.limited(asked)
    return service.limited(None)


def stops(fields: Fields) -> tuple[str, ...]:
    """Texts that end the answer. Raises RequestError."""
    return fields.texts("stop", _MOST_STOPS)


def refuse_unsupported(fields: Fields) -> None:
    """Raises RequestError for what would change the answer's form and cannot be had; the rest is ignored."""
    for name in ("n", "best_of"):
        if fields.integer(name, 1) != 1:
            raise RequestError(f"{name} other than 1 is not supported", field=name)
    for name in ("tools", "functions"):
        if fields.objects(name):
            raise RequestError(f"{name} are not supported: this server only generates text", field=name)
    answer_format = fields.object("response_format")
    if answer_format and answer_format.text("type", "text") != "text":
        raise RequestError("response_format other than text is not supported", field="response_format")


def usage(timings: Timings) -> dict[str, Any]:
    """Token counts under OpenAI's names."""
    n_prompt = timings.prompt_n + timings.cache_n
    return {
        "prompt_tokens": n_prompt,
        "completion_tokens": timings.predicted_n,
        "total_tokens": n_prompt + timings.predicted_n,
        "prompt_tokens_details": {"cached_tokens": timings.cache_n},
        "completion_tokens_details": {
            "accepted_prediction_tokens": timings.accepted_by_source.get(_PREDICTION, 0),
            "rejected_prediction_tokens": timings.rejected_by_source.get(_PREDICTION, 0),
        },
    }


def finish_reason(done: Done) -> str:
    """Why the answer ended, in OpenAI's words."""
    return _ENDS[done.finish_reason]

"""What OpenAI's two endpoints share: sampling and limits read from a request, usage and ends told in an answer.

See https://platform.openai.com/docs/api-reference
"""

from typing import Any

from spectra_local.protocol import Done, Sampling, Source, Timings
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError

_MOST_STOPS = 16
_SEEDS = (1 << 32) - 1  # llama.cpp's; larger ones, of 64 bits elsewhere, are brought into that range
_LARGEST_SEED = 1 << 64
_TOKEN_DIGITS = 10
# What would change the text and cannot be had, by the value that asks for nothing.
_NEUTRAL = {
    "typical_p": 1.0,
    "mirostat": 0.0,
    "xtc_probability": 0.0,
    "top_n_sigma": -1.0,
    "dynatemp_range": 0.0,
    "top_a": 0.0,
    "tfs_z": 1.0,
    "min_tokens": 0.0,
}
# "error" is no word of OpenAI's: other servers say it of an answer that was cut off, and no word of OpenAI's is true.
_ENDS = {"stop": "stop", "length": "length", "context": "length", "cancelled": "error"}


def sampling(fields: Fields) -> Sampling:
    """How tokens are drawn; greedy where the client does not say. Raises RequestError."""
    plain = Sampling()
    seed = fields.integer("seed", -1, _LARGEST_SEED)
    repeat = "repetition_penalty" if fields.has("repetition_penalty") else "repeat_penalty"
    return Sampling(
        temperature=fields.number("temperature", plain.temperature),
        top_k=max(0, fields.integer("top_k", plain.top_k)),  # -1 is off in other servers
        top_p=fields.number("top_p", plain.top_p),
        min_p=fields.number("min_p", plain.min_p),
        repeat_penalty=fields.number(repeat, plain.repeat_penalty),
        dry_multiplier=fields.number("dry_multiplier", plain.dry_multiplier),
        frequency_penalty=fields.number("frequency_penalty", plain.frequency_penalty),
        presence_penalty=fields.number("presence_penalty", plain.presence_penalty),
        logit_bias=_logit_bias(fields),
        seed=None if seed < 0 else seed % _SEEDS,
    )


def _logit_bias(fields: Fields) -> tuple[tuple[int, float], ...]:
    biases = fields.object("logit_bias")
    if biases is None:
        return ()
    names = biases.names()
    for name in names:
        if not (name.isascii() and name.isdecimal() and len(name) < _TOKEN_DIGITS):
            raise RequestError(f"{biases.name(name)}: the names must be token ids", field="logit_bias")
    return tuple((int(name), biases.number(name, 0)) for name in names)


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
    for name, neutral in _NEUTRAL.items():
        if fields.number(name, neutral) != neutral:
            raise RequestError(f"{name} is not supported", field=name)
    for name in ("grammar", "json_schema", "guided_json", "guided_regex", "guided_choice", "guided_grammar"):
        if fields.asks(name):
            raise RequestError(f"{name} is not supported", field=name)
    if fields.flag("ignore_eos"):
        raise RequestError("ignore_eos is not supported", field="ignore_eos")
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
            "accepted_prediction_tokens": timings.accepted_by_source.get(Source.PREDICTION, 0),
            "rejected_prediction_tokens": timings.rejected_by_source.get(Source.PREDICTION, 0),
        },
    }


def finish_reason(done: Done) -> str:
    """Why the answer ended, in OpenAI's words."""
    return _ENDS[done.finish_reason]

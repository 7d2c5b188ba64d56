"""What OpenAI's two endpoints share: sampling and limits read from a request, usage and ends told in an answer.

See https://platform.openai.com/docs/api-reference
"""

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from spectra_local.protocol import Done, Sampling, Source, Timings
from spectra_local.serving.answers import Service
from spectra_local.serving.fields import Fields, RequestError

_MOST_STOPS = 16
_SEEDS = (1 << 32) - 1  # llama.cpp's; larger ones, of 64 bits elsewhere, are brought into that range
_LARGEST_SEED = 1 << 64
_TOKEN_DIGITS = 10
MOST_ANSWERS = 8  # to one prompt
MOST_LOGPROBS = 20  # of the likeliest tokens at a place, as OpenAI has it
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
_ASKING = (
    "grammar",
    "json_schema",
    "structured_outputs",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "stop_token_ids",
    "bad_words",
    "allowed_token_ids",
    "chat_template",
    "chat_template_kwargs",
    "lora",
    "negative_prompt",
    "truncate_prompt_tokens",
    "audio",
)
_NEUTRAL_FLAGS = {
    "ignore_eos": False,
    "use_beam_search": False,
    "include_stop_str_in_output": False,
    "skip_special_tokens": True,
    "add_generation_prompt": True,
    "return_tokens_as_token_ids": False,
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
        repeat_last_n=fields.integer("repeat_last_n", plain.repeat_last_n),
        dry_multiplier=fields.number("dry_multiplier", plain.dry_multiplier),
        frequency_penalty=fields.number("frequency_penalty", plain.frequency_penalty),
        presence_penalty=fields.number("presence_penalty", plain.presence_penalty),
        logit_bias=_logit_bias(fields),
        seed=None if seed < 0 else seed % _SEEDS,
    )


def _logit_bias(fields: Fields) -> tuple[tuple[int, float], ...]:
    """By OpenAI's object, or by llama-server's list of pairs, in which false forbids a token."""
    if fields.is_list("logit_bias"):
        return tuple(_bias(pair) for pair in fields.items("logit_bias"))
    biases = fields.object("logit_bias")
    if biases is None:
        return ()
    names = biases.names()
    for name in names:
        if not (name.isascii() and name.isdecimal() and len(name) < _TOKEN_DIGITS):
            raise RequestError(f"{biases.name(name)}: the names must be token ids", field="logit_bias")
    return tuple((int(name), biases.number(name, 0)) for name in names)


def _bias(pair: Any) -> tuple[int, float]:
    token, bias = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
    if not is_token(token) or not (bias is False or (isinstance(bias, (int, float)) and bias is not True)):
        raise RequestError("logit_bias must hold pairs of a token id and a number or false", field="logit_bias")
    if bias is False:
        return token, -math.inf
    return token, Fields({"logit_bias": bias}).number("logit_bias", 0)


def is_token(value: Any) -> TypeGuard[int]:
    """Whether ``value`` can be the id of a token."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31


def max_tokens(service: Service, fields: Fields, *names: str) -> int:
    """The limit under the first of ``names`` that is given, within the server's own. Raises RequestError."""
    for name in names:
        if fields.has(name):
            asked = fields.integer(name, 0)
            if asked < -1:
                raise RequestError(f"{name} must be 0 (read the prompt only) or more, or -1 (no limit)", field=name)
            return service.limited(asked)
    return service.limited(None)


def stops(fields: Fields) -> tuple[str, ...]:
    """Texts that end the answer. Raises RequestError."""
    return fields.texts("stop", _MOST_STOPS)


def count(fields: Fields) -> int:
    """How many answers are wanted to each prompt. Raises RequestError."""
    n = fields.integer("n", 1)
    if not 1 <= n <= MOST_ANSWERS:
        raise RequestError(f"n must be between 1 and {MOST_ANSWERS}", field="n")
    if fields.integer("best_of", n) != n:
        raise RequestError("best_of other than n is not supported", field="best_of")
    return n


def top_logprobs(fields: Fields, name: str) -> int:
    """How many likeliest tokens are to be told with each. Raises RequestError."""
    n = fields.integer(name, 0)
    if not 0 <= n <= MOST_LOGPROBS:
        raise RequestError(f"{name} must be between 0 and {MOST_LOGPROBS}", field=name)
    return n


def refuse_unsupported(fields: Fields) -> None:
    """Raises RequestError for what would change the answer's form and cannot be had; the rest is ignored."""
    for name, neutral in _NEUTRAL.items():
        if fields.number(name, neutral) != neutral:
            raise RequestError(f"{name} is not supported", field=name)
    for name in _ASKING:
        if fields.asks(name):
            raise RequestError(f"{name} is not supported", field=name)
    for name, neutral_flag in _NEUTRAL_FLAGS.items():
        if fields.flag(name, neutral_flag) is not neutral_flag:
            raise RequestError(f"{name} is not supported", field=name)
    for name in ("tools", "functions"):
        if fields.objects(name):
            raise RequestError(f"{name} are not supported: this server only generates text", field=name)
    answer_format = fields.object("response_format")
    if answer_format and answer_format.text("type", "text") != "text":
        raise RequestError("response_format other than text is not supported", field="response_format")


def usage(timings: Sequence[Timings]) -> dict[str, Any]:
    """Token counts of all prompts under OpenAI's names."""
    n_prompt = sum(each.prompt_n + each.cache_n for each in timings)
    n_predicted = sum(each.predicted_n for each in timings)
    return {
        "prompt_tokens": n_prompt,
        "completion_tokens": n_predicted,
        "total_tokens": n_prompt + n_predicted,
        "prompt_tokens_details": {"cached_tokens": sum(each.cache_n for each in timings)},
        "completion_tokens_details": {
            "accepted_prediction_tokens": sum(each.accepted_by_source.get(Source.PREDICTION, 0) for each in timings),
            "rejected_prediction_tokens": sum(each.rejected_by_source.get(Source.PREDICTION, 0) for each in timings),
        },
    }


def finish_reason(done: Done, answer: int = 0) -> str:
    """Why one of the answers ended, in OpenAI's words."""
    return "stop" if answer in done.ended else _ENDS[done.finish_reason]

"""Logprobs in OpenAI's two shapes: a list of tokens in chats, lists side by side for raw text."""

import codecs
from collections.abc import Iterable
from typing import Any

from spectra_local.protocol import Likely, TokenLogprobs


class ChatLogprobs:
    """``choices[].logprobs`` of chats."""

    def told(self, tokens: Iterable[TokenLogprobs]) -> dict[str, Any]:
        """The next tokens of the choice."""
        content = [{**_named(each.token), "top_logprobs": list(map(_named, each.top))} for each in tokens]
        return {"content": content, "refusal": None}


class TextLogprobs:
    """``choices[].logprobs`` of raw text, whose offsets go on from piece to piece."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_chars = 0

    def told(self, tokens: Iterable[TokenLogprobs]) -> dict[str, Any]:
        """The next tokens of the choice. The token itself stands among the likeliest, if need be as one more."""
        names, logprobs, tops, offsets = [], [], [], []
        for each in tokens:
            names.append(_text_name(each.token))
            logprobs.append(each.token.logprob)
            likeliest = {_text_name(top): top.logprob for top in each.top}
            tops.append({**likeliest, names[-1]: each.token.logprob} if each.top else None)
            offsets.append(self._n_chars)
            self._n_chars += len(self._decoder.decode(bytes(each.token.bytes)))
        return {"tokens": names, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets}


Told = ChatLogprobs | TextLogprobs


def _named(token: Likely) -> dict[str, Any]:
    text = bytes(token.bytes).decode("utf-8", "replace")
    return {"token": text, "logprob": token.logprob, "bytes": list(token.bytes)}


def _text_name(token: Likely) -> str:
    """Part of a character is told by its bytes, so that two of them are not one name."""
    data = bytes(token.bytes)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)

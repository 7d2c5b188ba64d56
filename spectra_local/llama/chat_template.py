"""Finds the chat template of a model: one of our families where it says the same as the file's, else the file's own.

Knows headers and conversations, not tokens. A file's template counts as one of ours only if it was seen to be: by the
digest of its text, or by rendering probe conversations with both and comparing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from spectra_local.errors import TemplateError
from spectra_local.llama import jinja_sandbox
from spectra_local.llama.chat_families import FAMILIES, ChatMl, CodeLlama, Family, Llama2, Llama3, Zephyr
from spectra_local.llama.gguf import MAX_TEMPLATE_BYTES, GgufHeader
from spectra_local.llama.mended_chat import mended
from spectra_local.llama.prompt_spans import Disarmer, Span, broken_up, joined
from spectra_local.printable import printable_line
from spectra_local.protocol import Message

FROM_FILE = "file"  # the name that asks for the file's own template
TEMPLATE_NAMES: tuple[str, ...] = (*(family.name for family in FAMILIES), FROM_FILE)


class ChatTemplate(Protocol):
    """Turns a conversation into a prompt."""

    @property
    def name(self) -> str:
        """One of TEMPLATE_NAMES."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end an answer where the vocabulary has no token for it."""
        ...

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages`` (one at least); a last message of the assistant is continued.

        Starts with BOS only where the template itself writes it. Raises TemplateError.
        """
        ...

    def render_mended(self, messages: Sequence[Message]) -> tuple[list[Span], bool]:
        """As ``render``; and whether the template took the conversation only when it was mended."""
        ...


def find_template(name: str | None, header: GgufHeader) -> ChatTemplate:
    """The template called ``name``, or, where that is None, the one that belongs to the model.

    May run the file's template in the sandbox once (0.1 s). Raises TemplateError, naming the templates there are.
    """
    template = _found(header) if name is None else _named(name, header)
    spelled_out = {token for token in header.user_tokens if _MARKER.fullmatch(token)}
    return _WithoutMarkers(template, frozenset(spelled_out)) if spelled_out else template


def _found(header: GgufHeader) -> ChatTemplate:
    found = _family_of(header) if header.chat_template else _family_by_model_name(header)
    if found is None and not header.chat_template:
        raise TemplateError(
            "the model has no chat template: if it is a base model, 'ask --raw' lets it continue a text; "
            f"if it is made for chats, choose one: {_choices()}"
        )
    return found or FileTemplate(header)


# What begins or ends a turn. Other tokens of a vocabulary's makers, like <think>, may stand in contents.
_MARKER = re.compile(r"<\|[^<>]+\|>|<(?:start|end)_of_turn>|\[/?INST\]|</?s>")


@dataclass(frozen=True, slots=True)
class _WithoutMarkers:
    """For files that declare turn markers USER_DEFINED (older converters did): llama.cpp finds those in plain text."""

    template: ChatTemplate
    markers: frozenset[str]

    @property
    def name(self) -> str:
        return self.template.name

    @property
    def stop(self) -> tuple[str, ...]:
        return self.template.stop

    def render(self, messages: Sequence[Message]) -> list[Span]:
        return self.render_mended(messages)[0]

    def render_mended(self, messages: Sequence[Message]) -> tuple[list[Span], bool]:
        spans, was_mended = self.template.render_mended(messages)
        return broken_up(spans, self.markers), was_mended


# Control tokens to llama.cpp whatever type the file gives them (llama-vocab.cpp, "control-looking token").
_ENDS_OF_TURN = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
}


class FileTemplate:
    """The Jinja template in the model file, run in the sandbox for each prompt."""

    name = FROM_FILE
    stop: tuple[str, ...] = ()

    def __init__(self, header: GgufHeader) -> None:
        """Raises TemplateError where the file has none or one too long to be believed."""
        self._template = header.chat_template
        if not self._template:
            raise TemplateError(f"the model file has no chat template of its own; choose one: {_choices()}")
        if len(self._template) > MAX_TEMPLATE_BYTES:
            limit = MAX_TEMPLATE_BYTES >> 10
            raise TemplateError(f"the model's own chat template has more than {limit} KB; choose one: {_choices()}")
        self._tokens = token_variables(header)
        markers = {token for token in header.user_tokens if _MARKER.fullmatch(token)}
        named = {header.token_texts[each] for each in ("bos", "eos", "eot") if header.token_texts.get(each)}
        self._control = header.control_tokens | named | markers | _ENDS_OF_TURN

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """See ChatTemplate. An answer to be continued is appended to the prompt that it was the answer to."""
        return self.render_mended(messages)[0]

    def render_mended(self, messages: Sequence[Message]) -> tuple[list[Span], bool]:
        """As ``render``; and whether the template took the conversation only when it was mended."""
        disarmer = Disarmer(self._control, [self._template, *(each.content for each in messages)])
        harmless = [Message(each.role, disarmer.disarmed(each.content)) for each in messages]
        ways = mended(harmless)
        answers = [way.pop().content if way[-1].role == "assistant" else "" for way in ways]
        all_rendered = jinja_sandbox.render(self._template, ways, self._tokens)
        system = [each.content.strip() for each in harmless if each.role == "system"]
        taken = [
            number
            for number, text in enumerate(all_rendered)
            if not isinstance(text, TemplateError) and all(each in text for each in system)
        ]
        # Some templates pass over a system message in silence. Others write it in a way of their own, mended or not.
        taken += [number for number, text in enumerate(all_rendered) if not isinstance(text, TemplateError)]
        if not taken:
            raise _error_of(all_rendered)
        rendered = all_rendered[taken[0]]
        assert isinstance(rendered, str)
        return disarmer.spans(rendered + answers[taken[0]]), taken[0] > 0


def _error_of(rendered: Sequence[str | TemplateError]) -> TemplateError:
    return next(each for each in rendered if isinstance(each, TemplateError))


def _named(name: str, header: GgufHeader) -> ChatTemplate:
    return FileTemplate(header) if name == FROM_FILE else _named_family(name).of(header)


def _choices() -> str:
    return ", ".join(f"--template {name}" for name in TEMPLATE_NAMES if name != FROM_FILE)


def token_variables(header: GgufHeader) -> dict[str, str]:
    """What Transformers hands to a template of the file's tokens."""
    return {
        f"{name}_token": header.token_texts[name] for name in ("bos", "eos", "unk", "pad") if name in header.token_texts
    }


# Which of our families a file's template is

_PROBES: tuple[tuple[Message, ...], ...] = (
    (Message("user", "Hi"),),
    (Message("system", "Be brief."), Message("user", "Hi")),
    (Message("user", "One"), Message("assistant", "Two"), Message("user", "Three")),
    (  # Qwen 3's template takes earlier thoughts out
        Message("user", "One"),
        Message("assistant", "<think>\nHm.\n</think>\n\nTwo"),
        Message("user", "Three"),
    ),
    (
        Message("system", " Spaced \n"),
        Message("user", "\n  Indented\n\n"),
        Message("assistant", "  An answer.\n"),
        Message("user", "And?\n"),
        Message("assistant", "<b>x</b> {{ y }} 'z' \"q\" \\n"),
        Message("user", "Last"),
    ),
)

# Digests of templates that were compared with ours once and for all; tests do so again. They spare 0.1 s a start.
VERIFIED = {
    "254c5a9203633a72": "chatml",  # SmolLM2 instruct
    "559a49ad8f36d769": "chatml",  # Qwen 2 instruct
    "dc7505b0297ebeca": "chatml",  # Qwen 2.5 instruct, Qwen 2.5 Coder 0.5B
    "e033deea195bb578": "chatml",  # Qwen 2.5 Coder 1.5B
    "30caacbd6e88d51d": "chatml",  # OpenHermes 2.5 and many others
    "49f16cce50d0ab37": "llama3",  # Llama 3 instruct
    "94eaf8f339f18365": "llama3",  # Llama 3.1 and 3.3 instruct
    "1bb7c7388128b89b": "llama3",  # Llama 3.2 instruct
    "af0d5ad36b28ee81": "zephyr",  # Zephyr 7B, TinyLlama 1.1B chat
    "16a42d5c09636da4": "zephyr",  # the same, newlines written as escapes
}

# For files without a template: what their makers call such models.
_MODEL_NAMES = (
    (CodeLlama, re.compile(r"code-?llama.*instruct")),
    (Llama2, re.compile(r"llama-?2.*chat")),
    (Llama3, re.compile(r"llama-?3.*instruct")),
    (Zephyr, re.compile(r"zephyr|tinyllama.*chat")),
    (ChatMl, re.compile(r"chatml|smollm.*instruct|qwen.*(instruct|chat)|hermes-2")),
)


def digest(template: str) -> str:
    """What a template's text is known by."""
    return blake2b(template.removesuffix("\n").encode(), digest_size=8).hexdigest()  # Jinja ignores a last newline


def says_the_same(family: Family, header: GgufHeader) -> bool:
    """Whether ``family`` writes every probe conversation as the file's own template does."""
    try:
        rendered = jinja_sandbox.render(header.chat_template, _PROBES, token_variables(header))
    except TemplateError:
        return False
    return all(theirs == joined(family.render(probe)) for theirs, probe in zip(rendered, _PROBES, strict=True))


def _family_of(header: GgufHeader) -> Family | None:
    """Our family that says what the file's template says, if there is one."""
    text = header.chat_template
    if len(text) > MAX_TEMPLATE_BYTES:
        return None
    verified = VERIFIED.get(digest(text))
    if verified is not None:
        return _named_family(verified).of(header)
    for family in FAMILIES:
        if family.marker.search(text) and says_the_same(family.of(header), header):
            return family.of(header)
    return None


def _named_family(name: str) -> type[Family]:
    for family in FAMILIES:
        if family.name == name:
            return family
    raise TemplateError(f"there is no chat template called {printable_line(name)}; choose one: {_choices()}")


def _family_by_model_name(header: GgufHeader) -> Family | None:
    for text in (header.name, header.path.stem):
        name = re.sub(r"[\W_]+", "-", text.lower())
        for family, pattern in _MODEL_NAMES:
            if pattern.search(name):
                return family.of(header)
    return None

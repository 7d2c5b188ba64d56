"""The chat templates written by us: Llama 2, Llama 3, CodeLlama instruct, ChatML, Zephyr.

Each is a pure function from messages to spans. What varies between models of a family (default system message, dates,
the texts of BOS and EOS) is read from the model file; nothing else of it is executed.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from spectra_local.llama.gguf import GgufHeader
from spectra_local.llama.prompt_spans import Span, SpanBuilder
from spectra_local.protocol import Message

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _TakesAll:
    """For templates that write whatever messages there are, in any order."""

    __slots__ = ()

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages``."""
        raise NotImplementedError

    def render_mended(self, messages: Sequence[Message]) -> tuple[list[Span], bool]:
        """As ``render``; and that nothing had to be mended."""
        return self.render(messages), False


@dataclass(frozen=True, slots=True)
class ChatMl(_TakesAll):
    """``<|im_start|>role\\ncontent<|im_end|>\\n`` (OpenAI's ChatML; SmolLM2, Qwen2.5, Hermes)."""

    name: ClassVar[str] = "chatml"
    marker: ClassVar[re.Pattern[str]] = re.compile(r"<\|im_start\|>")
    stop: tuple[str, ...]
    default_system: str | None = None  # put first where a conversation has no system message
    bos: str = ""

    # A string literal of the template: SmolLM2 writes its newline as one, Qwen2.5 as an escape.
    _default: ClassVar[re.Pattern[str]] = re.compile(
        r"'<\|im_start\|>system(?:\\n|\n)([^'{}<>]+)<\|im_end\|>(?:\\n|\n)'"
    )

    @classmethod
    def of(cls, header: GgufHeader) -> Self:
        """The template for the model of ``header``."""
        match = cls._default.search(header.chat_template)
        bos = header.token_texts.get("bos", "") if "bos_token" in header.chat_template else ""
        default = match[1].replace("\\n", "\n") if match else None
        return cls(_stop_unless_token("<|im_end|>", header), default, bos)

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages``."""
        prompt = SpanBuilder().control(self.bos)
        if self.default_system is not None and messages[0].role != "system":
            messages = [Message("system", self.default_system), *messages]
        history, answer = _split_answer(messages)
        for message in history:
            prompt.control("<|im_start|>").plain(f"{message.role}\n{message.content}").control("<|im_end|>").plain("\n")
        return prompt.control("<|im_start|>").plain(f"assistant\n{answer}").spans()


@dataclass(frozen=True, slots=True)
class Llama3(_TakesAll):
    """``<|start_header_id|>role<|end_header_id|>\\n\\ncontent<|eot_id|>`` (Meta, Llama 3 to 3.3).

    From 3.1 on, Meta's own template starts every system message with a knowledge date and a day: 3.1 and 3.3 with a
    fixed one (26 Jul 2024), 3.2 with today's. We give what the template of the file gives.
    """

    name: ClassVar[str] = "llama3"
    marker: ClassVar[re.Pattern[str]] = re.compile(r"<\|start_header_id\|>")
    stop: tuple[str, ...]
    bos: str = "<|begin_of_text|>"
    knowledge_date: str | None = None  # "December 2023"; None: no dates
    fixed_day: str | None = None  # "26 Jul 2024"; None: today

    _knowledge: ClassVar[re.Pattern[str]] = re.compile(r"Cutting Knowledge Date: ([A-Za-z]+ \d{4})\\n")
    _day: ClassVar[re.Pattern[str]] = re.compile(r'set date_string = "(\d{1,2} [A-Z][a-z]{2} \d{4})"')

    @classmethod
    def of(cls, header: GgufHeader) -> Self:
        """The template for the model of ``header``."""
        text = header.chat_template
        knowledge = cls._knowledge.search(text)
        day = None if "strftime_now" in text else cls._day.search(text)
        return cls(
            stop=_stop_unless_token("<|eot_id|>", header),
            bos=header.token_texts.get("bos", "<|begin_of_text|>"),
            knowledge_date=knowledge[1] if knowledge else None,
            fixed_day=day[1] if day else None,
        )

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages``; contents are stripped of surrounding space, as by Meta's."""
        prompt = SpanBuilder().control(self.bos)
        if self.knowledge_date is not None:
            system = messages[0].content.strip() if messages[0].role == "system" else ""
            dates = f"Cutting Knowledge Date: {self.knowledge_date}\nToday Date: {self.fixed_day or _today()}\n\n"
            messages = [
                Message("system", dates + system),
                *(messages[1:] if messages[0].role == "system" else messages),
            ]
            self._turn(prompt, "system", messages[0].content)
            messages = messages[1:]
        history, answer = _split_answer(messages)
        for message in history:
            self._turn(prompt, message.role, message.content.strip())
        return self._open(prompt, "assistant").plain(f"\n\n{answer.lstrip()}").spans()

    def _open(self, prompt: SpanBuilder, role: str) -> SpanBuilder:
        return prompt.control("<|start_header_id|>").plain(role).control("<|end_header_id|>")

    def _turn(self, prompt: SpanBuilder, role: str, text: str) -> None:
        self._open(prompt, role).plain(f"\n\n{text}").control("<|eot_id|>")


@dataclass(frozen=True, slots=True)
class Llama2(_TakesAll):
    """``<s>[INST] <<SYS>>\\nsystem\\n<</SYS>>\\n\\nuser [/INST] answer </s>`` (Meta, Llama 2 chat).

    ``[INST]`` is plain text in this vocabulary. A system message goes into the turn of the user message behind it.
    """

    name: ClassVar[str] = "llama2"
    marker: ClassVar[re.Pattern[str]] = re.compile(r"\[INST\].*<<SYS>>|<<SYS>>.*\[INST\]", re.DOTALL)
    stop: tuple[str, ...] = ()
    bos: str = "<s>"
    eos: str = "</s>"

    @classmethod
    def of(cls, header: GgufHeader) -> Self:
        """The template for the model of ``header``."""
        return cls(bos=header.token_texts.get("bos", "<s>"), eos=header.token_texts.get("eos", "</s>"))

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages``; contents are stripped of surrounding space, as by Meta's."""
        history, answer = _split_answer(messages)
        prompt = SpanBuilder()
        system = ""
        for message in history:
            match message.role:
                case "system":
                    system += f"<<SYS>>\n{message.content}\n<</SYS>>\n\n"
                case "user":
                    prompt.control(self.bos).plain(f"[INST] {(system + message.content).strip()} [/INST]")
                    system = ""
                case "assistant":
                    prompt.plain(f" {message.content.strip()} ").control(self.eos)
        if system:
            prompt.control(self.bos).plain(f"[INST] {system.strip()} [/INST]")
        return prompt.plain(f" {answer.lstrip()}" if answer else "").spans()


class CodeLlama(Llama2):
    """CodeLlama instruct (7B to 34B) speaks Llama 2's format (Meta's codellama/llama/generation.py)."""

    __slots__ = ()
    name: ClassVar[str] = "codellama"


@dataclass(frozen=True, slots=True)
class Zephyr(_TakesAll):
    """``<|role|>\\ncontent</s>\\n`` (Hugging Face H4; TinyLlama). Role markers are plain text in most vocabularies."""

    name: ClassVar[str] = "zephyr"
    marker: ClassVar[re.Pattern[str]] = re.compile(r"<\|user\|>")
    stop: tuple[str, ...] = ()
    eos: str = "</s>"
    role_tokens: frozenset[str] = frozenset()  # those of the role markers that the vocabulary has as tokens

    @classmethod
    def of(cls, header: GgufHeader) -> Self:
        """The template for the model of ``header``."""
        roles = {f"<|{role}|>" for role in ("system", "user", "assistant")}
        return cls(eos=header.token_texts.get("eos", "</s>"), role_tokens=header.control_tokens & roles)

    def render(self, messages: Sequence[Message]) -> list[Span]:
        """The prompt for the answer to ``messages``."""
        history, answer = _split_answer(messages)
        prompt = SpanBuilder()
        for message in history:
            self._role(prompt, message.role).plain(f"\n{message.content}").control(self.eos).plain("\n")
        return self._role(prompt, "assistant").plain(f"\n{answer}").spans()

    def _role(self, prompt: SpanBuilder, role: str) -> SpanBuilder:
        marker = f"<|{role}|>"
        return prompt.control(marker) if marker in self.role_tokens else prompt.plain(marker)


Family = ChatMl | Llama3 | Llama2 | Zephyr
FAMILIES: tuple[type[Family], ...] = (Llama2, Llama3, CodeLlama, ChatMl, Zephyr)


def _split_answer(messages: Sequence[Message]) -> tuple[Sequence[Message], str]:
    """The finished messages, and the beginning of the answer that is to be continued."""
    if messages and messages[-1].role == "assistant":
        return messages[:-1], messages[-1].content
    return messages, ""


def _stop_unless_token(end: str, header: GgufHeader) -> tuple[str, ...]:
    """A vocabulary without the token can only spell it."""
    return () if end in header.control_tokens else (end,)


def _today() -> str:
    now = time.localtime()
    return f"{now.tm_mday:02d} {_MONTHS[now.tm_mon - 1]} {now.tm_year}"

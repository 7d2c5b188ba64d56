"""What goes into an engine and what comes out: plain values that also travel over a worker's pipe.

Knows nothing of llama.cpp, files or screens. Every type here is a frozen dataclass of plain values.
"""

from collections.abc import Generator, Iterator
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, Self

Role = Literal["system", "user", "assistant"]
RequestKind = Literal["chat", "complete", "edit"]
FinishReason = Literal["stop", "length", "context", "cancelled"]

OWN = " "  # the code of what no guess foresaw: the model's own choice
OTHER_SOURCE = "o"  # the code of a drafter that is being compared with


class Source(StrEnum):
    """What a token can be accepted from, by the name in ``Timings.accepted_by_source``: the one list of them."""

    code: str  # one character, which stands for it beside a text
    said_before: bool  # whether it is what was said in an earlier turn, here or where the turn was imported from

    def __new__(cls, name: str, code: str, said_before: bool = False) -> Self:
        """A member is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.code, member.said_before = code, said_before
        return member

    CONTEXT = "context", "c"
    HISTORY = "history", "h", True
    PREDICTION = "prediction", "p"
    CORE = "core", "k"
    CORPUS = "corpus", "r"
    IMPORT = "import", "i", True


SOURCE_CODES: dict[str, str] = {"": OWN, **{source: source.code for source in Source}}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. Temperature 0 is greedy; a value that switches its filter off is the default."""

    temperature: float = 0.0
    top_k: int = 0  # 0: off
    top_p: float = 1.0
    min_p: float = 0.0
    _: KW_ONLY
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64  # tokens the penalty looks back over
    seed: int | None = None  # None: a fresh one for every request
    dry_multiplier: float = 0.0  # against loops: how hard a long repetition of the answer's own words is held back
    frequency_penalty: float = 0.0  # taken from a token's logit for each time that the answer holds it
    presence_penalty: float = 0.0  # taken once from the logit of each token that the answer holds
    logit_bias: tuple[tuple[int, float], ...] = ()  # (token, what is added to its logit)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How a model is loaded."""

    n_ctx: int | None = None  # most tokens of context; None: the model's own limit
    n_threads: int | None = None  # None: the physical cores this process may use
    n_gpu_layers: int = -1  # -1: all
    template: str | None = None  # name of a chat template; None: found from the model
    _: KW_ONLY
    exact: bool = False  # settings under which batched and one-by-one logits are bit-identical
    history: bool = True  # learn on disk across sessions; False: in memory only
    from_disk: bool = False  # a model larger than the free memory too: its weights are read again as they are needed
    share: bool = False  # use the engine that another program of this user runs, and let others use this one


@dataclass(frozen=True, slots=True)
class ExtraFile:
    """A file, or a piece of one, that helps to understand another."""

    name: str  # its path as the model should read it
    text: str


@dataclass(frozen=True, slots=True)
class FillIn:
    """A gap in a text: what stands before it, what was already typed into it, what stands after it."""

    prefix: str
    suffix: str = ""
    middle: str = ""  # start of the missing text, to be continued: the prompt before it stays in the KV cache
    path: str = ""  # of the file, "" if unknown
    _: KW_ONLY
    repository: str = ""  # name of the project, "" if unknown
    extra: tuple[ExtraFile, ...] = ()  # the most helpful last; the first are left out where they do not fit


_AROUND_MESSAGE = 32  # characters that a template writes around a message


LONGEST_ANSWER = 4096  # tokens, where nobody said how many: a model that counts on would fill the whole context


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to generate: the next turn of a conversation, the continuation of raw text, or what fills a gap.

    Where the last message is the assistant's, that message is continued. With ``accepted`` nothing is generated: that
    text came to stand after the prompt, and both are learned.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None  # raw text; then messages is empty
    prompt_ids: tuple[int, ...] = ()  # tokens that stand before ``prompt``, which then gets no BOS
    fill_in: FillIn | None = None  # a gap; then messages is empty. For models whose ModelInfo names a fill_in family
    _: KW_ONLY
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None  # None: until the model stops or the context is full
    stop: tuple[str, ...] = ()  # texts that end the answer; not part of it
    end_loops: bool = False  # ends an answer that says the same over and over, with a Notice
    speculate: bool = True  # False: plain decoding, one token a pass
    prediction: str | None = None  # a text the caller expects, drafted from
    logprobs: int | None = None  # so many likeliest tokens are told with each token of the answer; None: nothing is
    echo: bool = False  # a raw prompt is told again before its answer, with its logprobs where they are asked for
    count: int = 1  # answers; several are drawn side by side, one token of each a pass, and are not speculated on
    conversation: str | None = None  # whose turns this adds to in the history; None: one of its own
    learn: bool = True  # False: incognito, nothing of it is kept on disk
    kind: RequestKind = "chat"  # of "complete" and "edit" only what was accepted is kept on disk
    accepted: str | None = None  # a suggestion of earlier that the user took, after the raw text ``prompt``
    truncate: bool = True  # a conversation beyond the context loses its oldest turns; False: it is a ContextFullError
    background: bool = False  # nobody waits for it: any other request goes first, and it begins anew after that

    @property
    def n_chars(self) -> int:
        """About the characters that are to become tokens; none of a gap's, which is cut before that."""
        return (
            len(self.prompt or "")
            + len(self.prompt_ids)
            + sum(len(message.content) + _AROUND_MESSAGE for message in self.messages)
        )

    @property
    def repeatable(self) -> bool:
        """Whether the same request is to have the same answer, also without exact mode: nothing of it may then depend
        on what was asked before."""
        return self.sampling.seed is not None and (not self.speculate or self.count > 1)

    @property
    def urgency(self) -> int:
        """Who goes first where several wait, and who interrupts whom: 2 while somebody types, 0 where nobody waits."""
        return 0 if self.background else 2 if self.kind == "complete" else 1


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A loaded model, in words and numbers for people."""

    name: str
    path: str
    architecture: str
    quantisation: str
    _: KW_ONLY
    n_params: int
    size_bytes: int
    n_ctx_train: int
    n_ctx: int  # most tokens of context this engine will use
    n_vocab: int
    template: str  # name of the chat template in use, "" where the model has none
    fingerprint: str  # of the tokenizer
    device: str  # e.g. "CPU, 2 threads" or "CUDA0: NVIDIA H100"
    load_ms: float
    fill_in: str = ""  # family of the model's fill-in tokens, "" where it has none
    decode_cost: tuple[float, ...] = ()  # of a pass over 1, 2, ... tokens, relative to 1; () where nothing is drafted
    cost_trusted: bool = True  # False: measured on a busy machine, and learned from answers now
    cost_time: float = 0.0  # when it was measured or last corrected, in seconds since 1970; 0: never
    kernels: str = ""  # which of ggml's fast paths the engine takes, by its step of the ladder


@dataclass(frozen=True, slots=True)
class Timings:
    """Counts and milliseconds of one answer, under llama.cpp's names."""

    prompt_n: int = 0  # prompt tokens evaluated
    prompt_ms: float = 0.0
    cache_n: int = 0  # prompt tokens reused from the KV cache
    predicted_n: int = 0
    _: KW_ONLY
    predicted_ms: float = 0.0
    draft_n: int = 0  # tokens drafted
    draft_n_accepted: int = 0
    steps: int = 0  # passes of the model, prefill excluded
    draft_ms: float = 0.0  # of predicted_ms: drafting, and learning for it
    speedup_estimate: float = 1.0  # against plain decoding: by the measured cost curve and the time that drafting took
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    rejected_by_source: dict[str, int] = field(default_factory=dict)

    @property
    def prompt_per_second(self) -> float:
        """Prompt tokens evaluated per second; 0 where none were."""
        return 1000 * self.prompt_n / self.prompt_ms if self.prompt_ms else 0.0

    @property
    def predicted_per_second(self) -> float:
        """Generated tokens per second; 0 where none were."""
        return 1000 * self.predicted_n / self.predicted_ms if self.predicted_ms else 0.0


LOADING, MEASURING = "loading the model", "measuring this machine, once"


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The model file is being read, or whatever ``doing`` says: fraction in 0..1."""

    fraction: float
    doing: str = LOADING


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Prefill: tokens of the prompt evaluated so far, of how many; beyond those that were in the context already."""

    done: int
    total: int
    reused: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that is no error, e.g. messages left out of a full context."""

    text: str


@dataclass(frozen=True, slots=True)
class Likely:
    """A token, and how likely the model found it."""

    bytes: tuple[int, ...]  # what it stands for, the name of a control token included
    logprob: float | None  # natural logarithm, before any sampler; None: nothing stood before it


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """A token of an answer or a prompt, and the likeliest at its place, best first."""

    token: Likely
    top: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """The prompt, told again."""

    text: str
    logprobs: tuple[TokenLogprobs, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer as it comes.

    ``sources`` is as long as ``text``: what each character was accepted from, as codes of ``SOURCE_CODES``; "" where
    all of it is the model's own.
    """

    text: str
    n_tokens: int = 1
    sources: str = ""
    cost: float = 0.0  # of drafting and the passes that brought it, in passes of plain decoding; 0: not known
    _: KW_ONLY
    answer: int = 0  # which of several it belongs to
    logprobs: tuple[TokenLogprobs, ...] = ()  # of its tokens, where they were asked for; those of an end are left out

    def joined(self, following: "Text") -> "Text":
        """Both as one piece; both must be of the same answer."""
        sources = self.sources + following.sources
        if sources:
            sources = (self.sources or OWN * len(self.text)) + (following.sources or OWN * len(following.text))
        n_tokens, cost = self.n_tokens + following.n_tokens, self.cost + following.cost
        logprobs = self.logprobs + following.logprobs
        return Text(self.text + following.text, n_tokens, sources, cost, answer=self.answer, logprobs=logprobs)


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every request that did not fail."""

    finish_reason: FinishReason
    timings: Timings
    n_past: int  # tokens now in the context
    n_ctx: int
    _: KW_ONLY
    ended: tuple[int, ...] = ()  # of several answers those that the model ended itself


Event = LoadProgress | PromptProgress | Notice | Echo | Text | Done


class Assistant(Protocol):
    """What the terminal app, the command line and the servers talk to: an Engine, here or in a child process.

    One request at a time, from one thread; ``cancel`` may be called from any. It counts for the load or the request
    that was asked for last, from the call on: also before the first event is awaited, and never for a later one.
    """

    def load(self) -> Iterator[LoadProgress]:
        """Loads the model, reporting progress; ``info`` is set once the iterator ends.

        Raises SpectraError, also where it is cancelled; it can then be loaded again.
        """
        ...

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        ...

    def generate(self, request: Request) -> Generator[Event, None, None]:
        """Yields PromptProgress, Notice, Echo and Text events, then one Done. Closing it cancels.

        Raises SpectraError.
        """
        ...

    def cancel(self) -> None:
        """Ends the running request soon, in prefill too; its Done says "cancelled". No effect when idle."""
        ...

    def close(self) -> None:
        """Frees the model. The assistant is of no more use afterwards."""
        ...

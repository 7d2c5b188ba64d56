"""From what is asked to the token ids that a model reads: by its chat template, its fill-in tokens, or as it is.

Knows one model's vocabulary and how much its context holds, and nothing of answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from spectra_local.chats.window import ContextWindow
from spectra_local.completion.fill_in_prompt import find_fill_in_prompt
from spectra_local.completion.window import window_for
from spectra_local.errors import ContextFullError, SpectraError, UsageError
from spectra_local.llama.chat_template import ChatTemplate, find_template
from spectra_local.llama.mended_chat import notice_of
from spectra_local.llama.model import Model
from spectra_local.llama.prompt_tokens import prompt_tokens
from spectra_local.llama.token_count import at_least
from spectra_local.protocol import Message, Request

# Of a full context this share, at most so many tokens, is kept free for the answer when old messages are left out.
_ANSWER_SHARE, _ANSWER_ROOM = 4, 512
# A conversation with so many times the tokens that the context holds is not rendered to know how many they are. Not
# once: templates leave out some of what they are given.
_BEYOND = 2
_THOUGHTS_END = "</think>"  # templates leave out what stands before it in earlier answers


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, as the model reads it."""

    tokens: list[int]
    n_dropped: int = 0  # messages that were left out
    notice: str = ""  # what else was done to the messages, to be said; "" for nothing


class Prompts:
    """Writes the prompts of one model with a context of ``n_ctx`` tokens."""

    def __init__(self, model: Model, n_ctx: int, template: str | None, device: str) -> None:
        """``template``: the name of a chat template to use instead of the model's own. Raises TemplateError for it.
        ``device``: ModelInfo's."""
        self._model, self._n_ctx = model, n_ctx
        self._window = ContextWindow()
        self._fill_in_window = window_for(device)
        self._fill_in = find_fill_in_prompt(model)
        self._template: ChatTemplate | None = None
        self._template_error: SpectraError | None = None
        try:
            self._template = find_template(template, model.header)
        except SpectraError as error:
            if template:
                raise
            self._template_error = error  # raw prompts work without a template

    @property
    def template_name(self) -> str:
        """The chat template in use, "" where there is none."""
        return self._template.name if self._template else ""

    @property
    def fill_in_name(self) -> str:
        """The family of fill-in prompts that the model knows, "" where it knows none."""
        return self._fill_in.name if self._fill_in else ""

    def stop(self, request: Request) -> tuple[str, ...]:
        """The texts that end an answer. Raises SpectraError where a chat has no template."""
        return (*request.stop, *self._chat_template().stop) if request.messages else request.stop

    def stop_tokens(self, request: Request) -> frozenset[int]:
        """The control tokens that end an answer because a stop text is the name of one."""
        return frozenset(token for text in request.stop if (token := self._model.control_token(text)) is not None)

    def echo(self, request: Request, tokens: Sequence[int]) -> str:
        """A raw prompt, which was read as ``tokens``, as text."""
        n_given = len(request.prompt_ids)
        given = b"".join(map(self._model.named_piece, tokens[:n_given])).decode("utf-8", "replace")
        return given + (request.prompt or "")

    def first_of_text(self, request: Request, tokens: Sequence[int]) -> int:
        """Which of ``tokens`` is the first that the raw prompt holds itself: a BOS that it lacks stands before it."""
        model = self._model
        if request.prompt_ids or not model.add_bos:
            return 0
        return int(model.tokenize(request.prompt or "", special=True)[:1] != [model.bos])

    def _given(self, request: Request) -> tuple[int, ...]:
        n_vocab = self._model.n_vocab
        wrong = next((token for token in request.prompt_ids if not 0 <= token < n_vocab), None)
        if wrong is not None:
            raise UsageError(f"the prompt names token {wrong}; this model has the tokens 0 to {n_vocab - 1}")
        return request.prompt_ids

    def read(self, request: Request) -> Prompt:
        """Token ids of the request, cut to the context. From any thread. Raises SpectraError.

        What cannot fit is refused before all of it is tokenised.
        """
        if request.max_tokens is not None and request.max_tokens < 0:
            raise UsageError("the number of tokens to generate must not be negative")
        n_dropped, notice, model = 0, "", self._model
        if request.prompt is not None or request.prompt_ids:
            given, text = self._given(request), request.prompt or ""
            special = request.kind == "chat"  # what is completed or rewritten is a file, and all of it text
            tokenize = partial(model.tokenize, special=special)
            if (n_least := len(given) + at_least(text, tokenize, self._n_ctx)) >= self._n_ctx:
                raise self._too_long(f"at least {n_least}")
            tokens = [*given, *tokenize(text)] if given else with_one_bos(tokenize(text), model)
        elif request.fill_in is not None:
            if self._fill_in is None:
                raise UsageError("this model has no tokens for filling in; ask it by an instruction instead")
            budget = self._n_ctx - self._answer_room(request)
            tokens = self._fill_in.tokens(request.fill_in, budget, self._fill_in_window)
        else:
            if not any(m.content.strip() for m in request.messages if m.role != "system"):
                raise UsageError("the prompt is empty")
            kept, n_dropped = self._kept(request)
            tokens, was_mended = self._rendered(kept)
            notice = notice_of(kept) if was_mended else ""
        if not tokens:
            raise UsageError("the prompt is empty")
        if len(tokens) >= self._n_ctx:
            raise self._too_long(f"{len(tokens)}")
        return Prompt(tokens, n_dropped, notice)

    def rendered(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a conversation. What users wrote is never read as a control token."""
        return self._rendered(messages)[0]

    def _rendered(self, messages: Sequence[Message]) -> tuple[list[int], bool]:
        """Token ids of a conversation, and whether the template took it only when it was mended."""
        spans, was_mended = self._chat_template().render_mended(messages)
        return with_one_bos(prompt_tokens(spans, self._model), self._model), was_mended

    def _kept(self, request: Request) -> tuple[list[Message], int]:
        """The messages to send, and how many were left out."""
        messages = request.messages
        most, n_least = self._most_that_fit(messages)
        kept, n_dropped = [*messages], 0
        if request.truncate:
            budget = self._n_ctx - self._answer_room(request)
            kept, n_dropped = self._window.fit(
                messages, lambda some: len(self.rendered(some)) if len(some) <= most else self._n_ctx, budget
            )
        if len(kept) > most:
            raise self._too_long(f"at least {n_least}")
        return kept, n_dropped

    def _most_that_fit(self, messages: Sequence[Message]) -> tuple[int, int]:
        """How many messages may fit at all, the newest and the system message; and how many tokens they have at
        least, with one more where there is one."""
        enough, model = _BEYOND * self._n_ctx, self._model
        n_first = 1 if messages[0].role == "system" else 0
        n_least = sum(at_least(message.content, model.tokenize, enough) for message in messages[:n_first])
        for n_newer, message in enumerate(reversed(messages[n_first:])):
            said = message.content
            if message.role == "assistant" and n_newer:
                said = said.rpartition(_THOUGHTS_END)[2]
            n_least += max(1, at_least(said, model.tokenize, enough - n_least))
            if n_least >= enough:
                return n_first + n_newer, n_least
        return len(messages), n_least

    def _too_long(self, n_tokens: str) -> ContextFullError:
        return ContextFullError(
            f"the prompt has {n_tokens} tokens and the context holds {self._n_ctx}; shorten it"
            + (", or give --ctx a larger number" if self._n_ctx < self._model.n_ctx_train else "")
        )

    def _answer_room(self, request: Request) -> int:
        return min(request.max_tokens or _ANSWER_ROOM, _ANSWER_ROOM, self._n_ctx // _ANSWER_SHARE)

    def _chat_template(self) -> ChatTemplate:
        if self._template is None:
            raise self._template_error or SpectraError("no chat template is known")
        return self._template


def with_one_bos(tokens: list[int], model: Model) -> list[int]:
    """``tokens`` behind a BOS where the model wants one, not behind two where they bring their own."""
    return tokens if not model.add_bos or tokens[:1] == [model.bos] else [model.bos, *tokens]

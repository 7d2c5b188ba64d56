"""What is asked as token ids, and what is refused before it is tokenised whole. With SmolLM2's vocabulary."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from spectra_local.errors import ContextFullError
from spectra_local.llama.model import Model
from spectra_local.prompts import Prompts, with_one_bos
from spectra_local.protocol import Message, Request, Role

pytestmark = pytest.mark.model

N_CTX = 512
HUGE = "The quick brown fox jumps over the lazy dog. " * 340_000  # 15 MB


class Counting(Model):
    """Notes how many characters it was given to tokenise."""

    n_read = 0

    def tokenize(self, text: str, *, special: bool = False, add_bos: bool = False) -> list[int]:
        self.n_read += len(text)
        return super().tokenize(text, special=special, add_bos=add_bos)


@pytest.fixture(scope="module")
def model(smollm2_path: Path) -> Iterator[Counting]:
    model = Counting(smollm2_path, vocabulary_only=True)
    yield model
    model.close()


@pytest.fixture
def prompts(model: Counting) -> Prompts:
    prompts = Prompts(model, N_CTX, None, "CPU")
    model.n_read = 0
    return prompts


def turns(*contents: str, first: Role = "user") -> tuple[Message, ...]:
    roles: list[Role] = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    return tuple(Message(roles[i % 2], content) for i, content in enumerate(contents))


TOO_LONG = {
    "raw": Request(prompt=HUGE),
    "one message": Request(messages=turns(HUGE)),
    "one word": Request(messages=turns("x" * 15_000_000)),
    "system": Request(messages=(Message("system", HUGE), *turns("Hi"))),
    "a begun answer": Request(messages=turns("Hi", HUGE)),
    "what a begun answer answers": Request(messages=turns(HUGE, "Well")),
    "answers without questions": Request(messages=(*turns("Hi"), *[Message("assistant", "word " * 1000)] * 3000)),
    "an old message, not to be left out": Request(messages=turns(HUGE, "Well", "Hi"), truncate=False),
    "many messages, not to be left out": Request(messages=turns(*["Hi there"] * 99_999), truncate=False),
}


@pytest.mark.parametrize("request_", TOO_LONG.values(), ids=TOO_LONG)
def test_what_cannot_fit_is_refused_before_it_is_tokenised_whole(
    prompts: Prompts, model: Counting, request_: Request
) -> None:
    with pytest.raises(ContextFullError, match=rf"has (at least )?\d+ tokens and the context holds {N_CTX}"):
        prompts.read(request_)
    assert model.n_read < 500_000


def test_what_is_left_out_is_not_tokenised_either(prompts: Prompts, model: Counting) -> None:
    read = prompts.read(Request(messages=turns(HUGE, "Well", *["Hi there"] * 999)))
    assert (read.n_dropped > 900, len(read.tokens) < N_CTX) == (True, True)
    assert model.n_read < 500_000


def test_a_history_a_little_too_long_loses_turns_only_where_it_may(prompts: Prompts) -> None:
    messages = turns(*["word " * 60] * 11)
    assert prompts.read(Request(messages=messages)).n_dropped
    with pytest.raises(ContextFullError, match=rf"has \d+ tokens and the context holds {N_CTX}"):
        prompts.read(Request(messages=messages, truncate=False))
    whole = prompts.read(Request(messages=messages[:5], truncate=False))
    assert whole == prompts.read(Request(messages=messages[:5]))
    assert not whole.n_dropped


def test_without_truncation_the_whole_context_may_be_filled(prompts: Prompts) -> None:
    n = len(prompts.read(Request(messages=turns("a"))).tokens) - 1
    fits = turns("a" + " a" * (N_CTX - n - 2))
    assert len(prompts.read(Request(messages=fits, truncate=False)).tokens) == N_CTX - 1
    with pytest.raises(ContextFullError, match=f"has {N_CTX} tokens"):
        prompts.read(Request(messages=turns(fits[0].content + " a"), truncate=False))


@pytest.mark.parametrize(
    ("add_bos", "tokens", "expected"), [(True, [5], [1, 5]), (True, [1, 5], [1, 5]), (False, [5], [5])]
)
def test_a_bos_is_not_doubled(add_bos: bool, tokens: list[int], expected: list[int]) -> None:
    assert with_one_bos(tokens, SimpleNamespace(add_bos=add_bos, bos=1)) == expected

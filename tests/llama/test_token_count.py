"""Lower bounds on tokens, found without tokenising all of a text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_local.llama.token_count import at_least, first_tokens


class Words:
    """A tokenizer: one token for each word and each blank. Notes how much it was given."""

    def __init__(self) -> None:
        self.n_read = 0

    def __call__(self, text: str) -> list[int]:
        self.n_read += len(text)
        words = text.split(" ")
        return list(range(2 * len(words) - 1)) if text else []


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60_000), st.integers(1, 9), st.integers(1, 200_000))
def test_it_is_a_lower_bound_and_close_unless_enough_was_found(n_words: int, length: int, enough: int) -> None:
    text = " ".join(["w" * length] * n_words)
    n = len(Words()(text))
    least = at_least(text, Words(), enough)
    assert least <= n
    assert least >= enough or least >= n * 0.95 - 4 or least >= min(1, n)
    assert least >= enough or least >= n - 4 - 32 * (len(text) // (1 << 15) + 1)


def test_no_more_is_read_than_what_was_wanted_takes() -> None:
    words, text = Words(), "a " * 5_000_000
    assert at_least(text, words, 1000) >= 1000
    assert words.n_read < 100_000
    assert len(first_tokens(text, words, 1000)) == 1000
    assert words.n_read < 200_000


def test_a_short_text_has_the_tokens_it_has() -> None:
    text = "some words of a text"
    assert first_tokens(text, Words(), 1000) == Words()(text)
    assert first_tokens("", Words(), 1000) == []
    assert at_least("", Words(), 10) == 0
    assert at_least("x", Words(), 10) == 1

"""What the scan finds, and what it leaves alone."""

import random
import time
from pathlib import Path

import pytest
from fakes import planted_secrets as planted
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_local.history.secrets import scan

PLANTED = planted.secrets()


@pytest.mark.parametrize(("secret", "text"), PLANTED, ids=[f"{i:03}" for i in range(len(PLANTED))])
def test_a_planted_secret_is_found_whole(secret: str, text: str) -> None:
    covered = {i for found in scan(text) for i in range(found.start, found.end)}
    at = text.index(secret)
    missed = [i for i in range(at, at + len(secret)) if i not in covered and text[i].isalnum()]
    # Of an address only what tells whose it is must be covered.
    assert len(missed) <= (len("https://hooks.slack.com/") if secret.startswith("https://") else 0), text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.sampled_from(PLANTED), st.text(max_size=300))
def test_it_is_found_wherever_it_stands(before: str, secret: tuple[str, str], after: str) -> None:
    text = f"{before}\n{secret[1]}\n{after}"
    at = len(before) + 1 + secret[1].index(secret[0])
    assert any(found.start < at + len(secret[0]) and at < found.end for found in scan(text))


@given(st.text(max_size=2000))
def test_spans_lie_within_the_text(text: str) -> None:
    assert all(0 <= found.start < found.end <= len(text) for found in scan(text))


@pytest.mark.parametrize(
    "line",
    [
        "def test_every_command_parses_in_order(self, arguments: list[str]) -> None:",
        "class BackwardDictionaryOfPredictions(AbstractBaseRegistry):",
        "    return self.connection.execute(query, values).fetchall()",
        "The quick brown fox jumps over the lazy dog, and internationalisation goes on.",
        "for i in range(1000000): total += values[i] * 0.70710678",
        "https://docs.python.org/3/library/contextlib.html#contextlib.suppress",
        "assert response.status_code == 200, '2026-11-21T14:00:00'",
        "password: str",
        "if token is None:",
    ],
)
def test_ordinary_code_and_prose_stays(line: str) -> None:
    assert not [found for found in scan(line) if found.certain]


def test_most_of_this_program_may_go_out() -> None:
    folder = Path(__file__).parents[2] / "spectra_local"
    lines = [line for path in folder.glob("*/*.py") for line in path.read_text("utf-8").splitlines()]
    flagged = [line for line in lines if scan(line)]
    assert len(flagged) < 0.02 * len(lines), flagged[:40]


@pytest.mark.parametrize(
    "unit",
    ["a", "password=", "-----BEGIN PRIVATE KEY-----", "1 ", "a@", "://a:", "+1 ", "seed phrase is a ", "x.", "AB12"],
)
def test_no_text_keeps_it_busy(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    scan(text)
    assert time.process_time() - started < 3


def test_random_strings_of_every_alphabet_are_found() -> None:
    rng = random.Random(1)
    for alphabet, n in ((planted.ALNUM, 32), (planted.HEX, 40), (planted.URLSAFE, 43)):
        found = sum(bool(scan(planted.some(rng, alphabet, n))) for _ in range(500))
        assert found >= 497

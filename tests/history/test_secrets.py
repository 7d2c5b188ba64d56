"""What the scan finds, and what it leaves alone."""

import random
import time
from pathlib import Path

import pytest
from fakes import planted_secrets as planted
from fakes import withholding
from fakes.planted_corpus import Planted, held_out, tuned
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


CORPUS = tuned() + held_out()


@pytest.mark.parametrize("kind", sorted({planted.kind for planted in CORPUS}))
def test_what_people_write_in_twelve_languages_is_withheld(kind: str) -> None:
    of_kind = [each for each in CORPUS if each.kind == kind]
    out = withholding.let_out(of_kind)
    assert len(out) <= 0.02 * len(of_kind), [each.text for each in out]


def test_the_readme_states_the_recall_that_is_measured() -> None:
    judged = held_out()
    n_found = len(judged) - len(withholding.let_out(judged))
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"{n_found} of {len(judged)} planted" in " ".join(readme.split())


def test_little_is_withheld_in_vain() -> None:
    for name, texts in withholding.harmless().items():
        vain = withholding.in_vain(texts)
        assert vain.lines < (0.1 if name == "its guides" else 0.02), (name, vain)
        assert vain.characters < 0.02, (name, vain)


@pytest.mark.parametrize("word", ["correct", "sunshine", "wrong", "hunter2", "required"])
def test_a_word_of_the_dictionary_is_a_password_too(word: str) -> None:
    for text in (
        f"password: {word}",
        f"my password is {word}",
        f"Passwort: {word}",
        f"пароль: {word}",
        f"密码：{word}",
    ):
        assert not withholding.let_out([Planted("password", word, text)]), text


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
    [
        "password ",
        "密码",
        "pin ",
        "1234-",
        "пароль is ",
        "Calle Aa ",
        "apple ",
        "::",
        "born ",
        "address ",
        "curl ",
        "a",
        "password=",
        "-----BEGIN PRIVATE KEY-----",
        "1 ",
        "a@",
        "://a:",
        "+1 ",
        "seed phrase is a ",
        "x.",
        "AB12",
    ],
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

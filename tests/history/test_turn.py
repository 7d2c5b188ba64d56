import pytest

from spectra_local.history.turn import said_beyond


@pytest.mark.parametrize(
    ("said", "text", "beyond"),
    [
        ("<user>hello</user>", "hello", "<user>\n</user>"),
        ("hello", "hello", ""),
        ("<think>so</think>", "", "<think>so</think>"),
        ("other words", "hello", "other words"),
        ("", "", ""),
        ("", "hello", ""),
        (" \n", " ", ""),
    ],
)
def test_what_a_turns_tokens_say_beyond_its_text(said: str, text: str, beyond: str) -> None:
    assert said_beyond(said, text) == beyond

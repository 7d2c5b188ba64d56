import pytest

from tui.commands import COMMANDS
from tui.commands.registry import Registry, parse


def test_a_message_is_no_command():
    for text in ("hello", " /new", "//new", "/new\nand more"):
        assert parse(text) is None


def test_a_command_is_a_name_and_what_follows():
    assert parse("/read  a file.txt ") == ("read", "a file.txt")
    assert parse("/") == ("", "")


@pytest.mark.parametrize(("typed", "meant"), [("qiut", "quit"), ("cop", "copy"), ("HELP", "help"), ("retyr", "retry")])
def test_the_nearest_command_is_found(typed: str, meant: str):
    found = COMMANDS.nearest(typed)
    assert found is not None
    assert found.name == meant


def test_nothing_is_near_to_nonsense():
    assert COMMANDS.nearest("zzzzqqq") is None
    assert COMMANDS.nearest("") is None


def test_two_commands_of_one_name_are_refused():
    command = next(iter(COMMANDS))
    with pytest.raises(ValueError, match="same name"):
        Registry((command, command))

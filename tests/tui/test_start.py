"""How the command begins: the chat opens without the command line's library, everything else with it."""

import os
import subprocess
import sys

_STARTED = """
import sys
sys.argv = ["spectra-chat", *sys.argv[1:]]
from tui.__main__ import main
try:
    main()
except SystemExit as ended:
    print("", ended.code, "click" in sys.modules, "textual" in sys.modules, sep="|")
"""


def started(*arguments: str, **environment: str) -> tuple[str, str]:
    """What is printed by a start without a terminal, on stdout and stderr."""
    result = subprocess.run(
        [sys.executable, "-c", _STARTED, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=True, env=os.environ | environment,
    )  # fmt: skip
    return result.stdout, result.stderr


def test_the_chat_opens_without_click_and_says_what_it_lacks_in_a_line():
    out, err = started()
    assert out == "|2|False|False\n"
    assert err.startswith("spectra-chat: ")
    assert err.count("\n") == 1


def test_options_and_commands_are_still_read():
    assert started("--version")[0].startswith("spectra-chat")
    out, err = started("--nonsense")
    assert out == "|2|True|False\n" and "--nonsense" in err
    assert started("-m", "no-such-model")[0].endswith("|2|True|False\n")


def test_a_shell_that_completes_opens_no_chat():
    out, err = started(_SPECTRA_CHAT_COMPLETE="bash_source")
    assert "_SPECTRA_CHAT_COMPLETE=bash_complete" in out and not err

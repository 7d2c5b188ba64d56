"""What leaves the chat by the clipboard."""

import stat
from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, ready, sees, send
from fakes.pilot import wait_until
from fakes.scripted import say

from spectra_local.locations import runtime_dir
from tui import clipboard

ANSWER = """Two ways:

```python
def f(x):
\tif x:  # [bold]not markup[/bold]
        return "a very long line that no narrow screen can show without wrapping it over several rows"

    return None
```

1. in a list

   ```sh
   ls -la  
   ```

> quoted
>
> ```
> three
> ```
"""  # noqa: W291 - the spaces are part of the code
FIRST = """def f(x):
\tif x:  # [bold]not markup[/bold]
        return "a very long line that no narrow screen can show without wrapping it over several rows"

    return None"""


async def test_each_block_of_code_is_copied_exactly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clipboard, "tools", lambda: [("true",)])
    async with app_with(say(ANSWER)).run_test(size=(40, 30)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await sees(pilot, "python 1")
        await sees(pilot, "sh 2")
        for command, text in (("code 1", FIRST), ("code 2", "ls -la  "), ("code 3", "three"), ("code", "three")):
            await send(pilot, f"/copy {command}")
            await wait_until(pilot, lambda text=text: pilot.app.clipboard == text, command)
        await sees(pilot, "Block 3 of 3 copied. /copy code 1")


async def test_what_cannot_be_copied_is_said():
    async with app_with(say(ANSWER), say("No code.")).run_test(size=(100, 30)) as pilot:
        await send(pilot, "/copy")
        await sees(pilot, "There is nothing to copy yet.")
        await ready(pilot)
        await answered(pilot, "ask")
        await send(pilot, "/copy code 4")
        await sees(pilot, "The last answer has 3 blocks of code.")
        await send(pilot, "/copy nonsense")
        await sees(pilot, "/copy takes nothing, question")
        await answered(pilot, "again")
        await send(pilot, "/copy code")
        await sees(pilot, "There is no code in the last answer.")
        await send(pilot, "/copy question")
        await wait_until(pilot, lambda: pilot.app.clipboard == "again")


def tool(folder: Path, name: str, script: str) -> None:
    folder.joinpath(name).write_text(f"#!/bin/sh\n{script}\n")
    folder.joinpath(name).chmod(0o755)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all the tools there are, on a desktop with all displays; none yet."""
    for name in ("WAYLAND_DISPLAY", "DISPLAY", "TMUX"):
        monkeypatch.setenv(name, ":0")
    for name in ("WSL_DISTRO_NAME", "TERMUX_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


async def test_without_a_clipboard_tool_the_line_says_where_the_text_is(desktop: Path):
    async with app_with(say("Yes, *täxt*.")).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("ctrl+y")
        await sees(pilot, "Answer copied through the terminal; if it refuses, the text is in")
        kept = runtime_dir() / "copied.txt"
        assert kept.read_text("utf-8") == "Yes, *täxt*."
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_an_incognito_chat_is_not_written_to_a_file(desktop: Path):
    async with app_with(say("Yes.")).run_test(size=(200, 30)) as pilot:
        await ready(pilot)
        await send(pilot, "/incognito")
        await sees(pilot, "incognito")
        await answered(pilot)
        await pilot.press("ctrl+y")
        await sees(pilot, "incognito chat writes no file")
        assert not (runtime_dir() / "copied.txt").exists()


async def test_a_tool_that_fails_or_hangs_gives_way_to_the_next(desktop: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clipboard, "PATIENCE_S", 0.2)
    tool(desktop, "wl-copy", "exit 1")
    tool(desktop, "xclip", "/bin/cat > /dev/null; /bin/sleep 600")
    async with app_with(say("Yes.")).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("ctrl+y")
        await sees(pilot, "(wl-copy and xclip failed)")
        assert (runtime_dir() / "copied.txt").read_text() == "Yes."
        tool(desktop, "xsel", f'exec /bin/cat > "{desktop}/copied"')
        await pilot.press("ctrl+y")
        await sees(pilot, "Answer copied.")
        assert (desktop / "copied").read_text() == "Yes."


def test_the_desktops_tool_gets_the_text(desktop: Path, monkeypatch: pytest.MonkeyPatch):
    tool(desktop, "xclip", f'exec /bin/cat > "{desktop}/copied"')
    monkeypatch.delenv("DISPLAY")
    assert clipboard.tools() == []
    monkeypatch.setenv("DISPLAY", ":0")
    [command] = clipboard.tools()
    assert command[0] == "xclip"
    assert clipboard.copy("täxt", command)
    assert (desktop / "copied").read_text("utf-8") == "täxt"
    assert not clipboard.copy("x", ("no-such-tool",))

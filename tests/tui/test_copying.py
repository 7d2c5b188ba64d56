"""What leaves the chat by the clipboard."""

from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, ready, sees, send
from fakes.pilot import screen_text, wait_until
from fakes.scripted import say

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


async def test_each_block_of_code_is_copied_exactly():
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


async def test_without_a_clipboard_tool_what_to_do_is_told_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clipboard, "tool", lambda: ())
    async with app_with(say("Yes.")).run_test(size=(100, 30), notifications=True) as pilot:
        await ready(pilot)
        await answered(pilot)
        await pilot.press("ctrl+y")
        await sees(pilot, "install")
        pilot.app.clear_notifications()
        await wait_until(pilot, lambda: "install" not in screen_text(pilot))
        await pilot.press("ctrl+y")
        await sees(pilot, "Answer copied.")
        assert "install" not in screen_text(pilot)


def test_the_desktops_tool_gets_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "TERMUX_VERSION", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    script = tmp_path / "xclip"
    script.write_text(f'#!/bin/sh\nexec /bin/cat > "{tmp_path}/copied"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    assert clipboard.tool() == ()
    monkeypatch.setenv("DISPLAY", ":0")
    assert clipboard.tool()[0] == "xclip"
    assert clipboard.copy("täxt", clipboard.tool())
    assert (tmp_path / "copied").read_text("utf-8") == "täxt"
    assert not clipboard.copy("x", ("no-such-tool",))

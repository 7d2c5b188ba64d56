"""`/export`: by the chat's title, or to a named file; never over another without a question."""

from pathlib import Path

import pytest
from fakes.chatting import answered, app_with, ready, sees, send
from fakes.pilot import wait_until
from fakes.scripted import say

from tui.screens.confirm import ConfirmScreen


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_name_decides_where_and_in_which_form(here: Path):
    async with app_with(say("Yes.")).run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "Is it?")
        (here / "sub").mkdir()
        for name in ("notes.md", "sub/notes.JSON", "plain.markdown"):
            await send(pilot, f"/export {name}")
            await wait_until(pilot, lambda name=name: (here / name).exists(), name)
        assert "Is it?" in (here / "notes.md").read_text()
        assert (here / "sub/notes.JSON").read_text().startswith("{")
        assert (here / "notes.md").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_there_is_replaced_after_a_yes_alone(here: Path):
    (here / "notes.md").write_text("mine")
    async with app_with(say("Yes.")).run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "Is it?")
        await send(pilot, "/export notes.md")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: not isinstance(pilot.app.screen, ConfirmScreen))
        assert (here / "notes.md").read_text() == "mine"
        await send(pilot, "/export notes.md")
        await wait_until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.click("#yes")
        await wait_until(pilot, lambda: "Is it?" in (here / "notes.md").read_text())
    assert [path.name for path in here.iterdir()] == ["notes.md"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("notes.txt", "md or json"), ("pdf", "md or json"), ("nowhere/notes.md", "cannot write"), ("/notes/\x00.md", "")],
)
async def test_what_cannot_be_written_is_told(here: Path, name: str, words: str):
    async with app_with(say("Yes.")).run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        await answered(pilot, "Is it?")
        await send(pilot, f"/export {name}")
        await sees(pilot, words)
    assert list(here.iterdir()) == []

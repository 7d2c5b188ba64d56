"""Only what changed of a growing answer is drawn anew; the screen is the same as if all of it were."""

import pytest
from fakes.chatting import answered, app_with, chat, ready, sees, send, state
from fakes.pages import ChatPage
from fakes.picture import lines
from fakes.pilot import wait_until
from fakes.scripted import Gate, done
from textual.pilot import Pilot

from spectra_local.protocol import Text
from tui.app import ChatApp
from tui.widgets.markdown.body import MarkdownBody
from tui.widgets.transcript import Transcript

PIECES = [
    "A first paragraph, long enough to be broken into several lines on a narrow screen, ",
    "then more of it\n===",
    "\n\n- one\n",
    "- two **bold",
    "** and `code`\n\n```python\ndef f():\n",
    "    return 1\n```\n",
    "\n| a | b |\n|---|---|\n| c | d |\n",
    "".join(f"\n{n}. number {n}" for n in range(1, 30)),
    "\n\nThe end.",
]


def drawn(pilot: Pilot[None]) -> list[list[tuple[str, str]]]:
    return [[(cell, str(segment.style)) for segment in line for cell in segment.text] for line in lines(pilot.app)]


async def settled(pilot: Pilot[None]) -> list[list[tuple[str, str]]]:
    """The screen once it has laid out all there is and followed it."""
    view = chat(pilot).query_one(Transcript)
    seen: list[object] = []

    def rests() -> bool:
        seen.append(drawn(pilot))
        laid_out = ChatPage(pilot).transcript.answer_is_laid_out and view.scroll_y == view.max_scroll_y
        return laid_out and len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    await wait_until(pilot, rests, "the screen rests")
    return drawn(pilot)


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_each_frame_is_what_drawing_all_of_it_would_show(size: tuple[int, int]):
    gates = [Gate() for _ in PIECES]
    script: list[object] = []
    for piece, gate in zip(PIECES, gates, strict=True):
        script += [Text(piece, 1, "h" * len(piece)), gate]
    async with app_with([*script, done()]).run_test(size=size) as pilot:
        assert isinstance(pilot.app, ChatApp)
        await ready(pilot)
        await send(pilot, "Write")
        length = 0
        for number, (piece, gate) in enumerate(zip(PIECES, gates, strict=True)):
            length += len(piece)
            await wait_until(pilot, lambda: state(pilot).chat.turns and len(state(pilot).chat.turns[-1].text) >= length)  # noqa: B023
            if number == 4:
                await pilot.press("ctrl+t")
            before = await settled(pilot)
            pilot.app.app_resume_signal.publish(pilot.app)  # as after ctrl+z and fg: all is drawn
            await pilot.pause()
            assert before == await settled(pilot), piece
            gate.open()


async def test_a_narrower_and_a_wider_screen_draw_the_text_anew():
    async with app_with([Text("word " * 60), done()]).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await answered(pilot)
        for width in (50, 90):
            await pilot.resize_terminal(width, 24)
            before = await settled(pilot)
            pilot.app.app_resume_signal.publish(pilot.app)
            await pilot.pause()
            assert before == await settled(pilot)
        assert chat(pilot).state.chat.turns[-1].text.startswith("word")


async def test_rows_taken_ahead_lay_the_screen_out_less_often_and_are_given_back():
    gates = [Gate() for _ in range(6)]
    script = [step for n, gate in enumerate(gates) for step in (Text(f"\n\nline {n}"), gate)]
    async with app_with([*script, done()]).run_test(size=(80, 40)) as pilot:
        await ready(pilot)
        await send(pilot, "Write")
        heights = set()
        for n, gate in enumerate(gates):
            await sees(pilot, f"line {n}")
            heights.add(chat(pilot).query_one(MarkdownBody).size.height)
            assert chat(pilot).query_one(Transcript).max_scroll_y == 0
            gate.open()
        assert len(heights) <= 3
        await wait_until(pilot, lambda: ChatPage(pilot).transcript.answer_is_as_tall_as_its_text)

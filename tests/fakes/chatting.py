"""What a user does in the app, on a scripted model and without a terminal."""

from fakes.pilot import screen_text, wait_until
from fakes.scripted import ScriptedAssistant
from textual.pilot import Pilot

from tui.app import ChatApp
from tui.screens.chat import ChatScreen
from tui.state import Phase, State
from tui.widgets.composer import Composer


def app_with(*scripts: object, **options: object) -> ChatApp:
    assistant = ScriptedAssistant(*scripts, **options)  # type: ignore[arg-type]
    return ChatApp(lambda: assistant)


def chat(pilot: Pilot[None]) -> ChatScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    return screen


def state(pilot: Pilot[None]) -> State:
    return chat(pilot).state


def composer(pilot: Pilot[None]) -> Composer:
    return chat(pilot).query_one(Composer)


async def ready(pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: state(pilot).model.phase is Phase.IDLE, "the model is ready")


async def send(pilot: Pilot[None], text: str = "Hi") -> None:
    composer(pilot).insert(text)
    await pilot.press("enter")


async def answered(pilot: Pilot[None], text: str = "Hi") -> None:
    n_turns = len(state(pilot).chat.turns)
    await send(pilot, text)
    await wait_until(pilot, lambda: len(state(pilot).chat.turns) == n_turns + 2, "the question was taken")
    await wait_until(pilot, lambda: state(pilot).chat.open_answer() is None, "the answer is complete")


async def sees(pilot: Pilot[None], text: str) -> None:
    await wait_until(pilot, lambda: text in screen_text(pilot), f"{text!r} is on the screen")

"""Which request teaches what: the disk, this process, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.learning import Learning
from spectra_local.protocol import Message, Request, Timings

if TYPE_CHECKING:
    from spectra_local.history.savings import Saved
    from spectra_local.llama.model import Model
    from spectra_local.speculation.per_model import PerModel

ASKED = Request(messages=(Message("user", "one"), Message("assistant", "two"), Message("user", "three")))
TIMINGS = Timings(cache_n=4, predicted_n=3, steps=2, draft_n=5, draft_n_accepted=2,
                  accepted_by_source={"history": 1, "core": 1}, rejected_by_source={"core": 3})  # fmt: skip
DRAFTS = ("draft_from", "retrieve", "remember", "forget", "keep_core_in_memory")
PROMPT, ANSWER = [1, 2, 3, 4, 5, 6], [7, 8, 9]


class Notes:
    """What a history and a drafter were told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def __call__(self, name: str) -> Callable[..., None]:
        return lambda *values: self.told.append((name, values[0] if len(values) == 1 else values))

    def of(self, name: str) -> list[object]:
        return [value for told, value in self.told if told == name]


class Room:
    def __init__(self, *, history: bool = True) -> None:
        self.notes, self.refreshed = Notes(), False
        self.history = SimpleNamespace(
            index=object(), indexes=["index"], corpora_version=lambda: 1, corpora_texts=lambda: [],
            opened=lambda: False, refresh=lambda: self.refreshed, record=self.notes("record"),
            count=self.notes("count"), take_notice=lambda: "told", close=self.notes("close"),
        )  # fmt: skip
        drafts = SimpleNamespace(
            **{name: self.notes(name) for name in DRAFTS},
            save=lambda now=False: self.notes("save")(now),
        )  # fmt: skip
        model = SimpleNamespace(text=bytes, tokenize=lambda text, **_: [ord(character) for character in text])
        self.learning = Learning(
            cast("Model", model), cast("PerModel", drafts), cast("PersonalHistory", self.history) if history else None
        )

    def answered(self, request: Request = ASKED, timings: Timings = TIMINGS) -> None:
        self.learning.answered(request, PROMPT, ANSWER, "shown", timings)

    @property
    def exchange(self) -> Exchange:
        ((exchange, *_),) = cast("Sequence[tuple[Exchange, ...]]", self.notes.of("record"))
        return exchange


def test_a_chats_turns_are_recorded_with_what_is_new_in_them() -> None:
    room = Room()
    room.answered(replace(ASKED, conversation="c"))
    exchange = room.exchange
    assert (exchange.conversation, exchange.asked, exchange.answer) == ("c", "three", "shown")
    assert (exchange.prompt, exchange.reused, exchange.answered) == (PROMPT, 4, ANSWER)
    assert not room.notes.of("remember"), "the disk's index has it"
    assert room.notes.of("save") == [False]


def test_figures_go_with_it() -> None:
    room = Room()
    room.answered(timings=replace(TIMINGS, predicted_ms=200.0))
    ((_, saved, tried),) = cast("Sequence[tuple[Exchange, Saved, dict[str, object]]]", room.notes.of("record"))
    assert (saved.answers, saved.predicted_n, saved.steps, saved.accepted_n, saved.from_history) == (1, 3, 2, 2, 1)
    assert set(tried) == {"history", "core"}


def test_an_incognito_chat_teaches_this_process_alone_and_no_file() -> None:
    room = Room()
    room.answered(replace(ASKED, learn=False))
    assert not room.notes.of("record")
    assert not room.notes.of("count")
    assert room.notes.of("remember") == [[*PROMPT, *ANSWER]]
    assert len(room.notes.of("keep_core_in_memory")) == 1


def test_what_an_incognito_chat_left_in_the_context_is_not_taken_for_learned() -> None:
    room = Room()
    room.answered(replace(ASKED, learn=False))
    room.answered()
    assert room.exchange.reused == 0


def test_what_was_read_and_not_kept_is_not_taken_for_learned_either() -> None:
    room = Room()
    room.learning.not_kept(0)
    room.learning.not_kept(3)
    room.answered()
    assert room.exchange.reused == 0


def test_a_suggestion_that_nobody_has_taken_is_counted_and_its_answer_not_kept() -> None:
    room = Room()
    room.answered(replace(ASKED, kind="complete"))
    assert not room.notes.of("record")
    assert len(room.notes.of("count")) == 1
    assert room.notes.of("remember") == [PROMPT]


def test_a_suggestion_that_was_taken_is_recorded_behind_the_text_it_follows() -> None:
    room = Room()
    room.learning.accepted(Request(prompt="ab", accepted="cd", kind="complete"))
    exchange = room.exchange
    assert (exchange.asked, exchange.answer) == ("ab", "cd")
    assert (exchange.prompt, exchange.answered) == ([97, 98], [99, 100])


@pytest.mark.parametrize("room", [Room(history=False), Room()])
def test_without_a_store_that_opens_it_goes_on_in_memory(room: Room) -> None:
    room.history.index = None
    room.answered()
    room.learning.accepted(Request(prompt="ab", accepted="cd", kind="complete"))
    assert not room.notes.of("record")
    assert room.notes.of("remember") == [[*PROMPT, *ANSWER], [97, 98, 99, 100]]


def test_what_was_forgotten_elsewhere_is_forgotten_here_before_anything_is_saved() -> None:
    room = Room()
    room.refreshed = True
    room.answered()
    names = [name for name, _ in room.notes.told]
    assert names.index("forget") < names.index("save")


def test_closing_saves_at_once_and_lets_go_of_the_store() -> None:
    room = Room()
    room.learning.close()
    assert [told for told in room.notes.told if told[0] in ("save", "close")] == [("save", True), ("close", ())]

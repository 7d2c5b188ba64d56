"""What was chosen for one chat, over the settings of all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.chat_settings import ChatSettings, InForce, from_json
from spectra_local.printable import printable_line
from spectra_local.protocol import Sampling
from spectra_local.settings import Settings

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.none() | st.text(),
    st.text(),
    st.dictionaries(st.sampled_from(["temperature", "min_p", "top_p"]), st.floats(0.01, 1)),
)
def test_what_was_chosen_comes_back_as_it_was(system: str | None, preset: str, parameters: dict[str, float]):
    chosen = ChatSettings(system, preset, parameters=parameters)
    assert from_json(chosen.to_json()) == (chosen, [])


def test_a_chat_without_choices_keeps_nothing():
    assert ChatSettings().to_json() == "{}"
    assert from_json("{}") == (ChatSettings(), [])


@given(st.dictionaries(st.sampled_from(["system", "preset", "parameters", "else"]), _JSON) | _JSON)
def test_any_json_is_choices_or_notices_that_can_be_printed(value: object):
    chosen, notices = from_json(json.dumps(value))
    InForce(Settings(), chosen).sampling(Sampling())
    assert all(printable_line(notice) == notice for notice in notices)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "cannot be read"),
        ('{"system": 3}', "is no text"),
        ('{"preset": []}', "is no name"),
        ('{"parameters": 1}', "are no table"),
        ('{"parameters": {"temperature": 99}}', "temperature must be"),
        ('{"parameters": {"temperature": NaN}}', "temperature must be"),
        ('{"parameters": {"temperature": true}}', "temperature must be"),
        ('{"parameters": {"\\u001b[2J": 1}}', "there is no parameter"),
    ],
)
def test_what_makes_no_sense_is_said_and_the_defaults_hold(text: str, said: str):
    chosen, notices = from_json(text)
    assert chosen == ChatSettings()
    assert len(notices) == 1
    assert said in notices[0]
    assert "\x1b" not in notices[0]


def test_each_value_says_where_it_comes_from():
    settings = Settings(preset="creative", parameters={"top_k": 40}, systems={"short": "Be brief."}, system="short")
    default = InForce(settings)
    assert [default.origin(name) for name in ("temperature", "top_k", "seed")] == [
        "preset creative",
        "your default",
        "built in",
    ]
    assert (default.system, default.system_origin) == ("Be brief.", "your default")
    chat = InForce(settings, ChatSettings("", parameters={"top_k": 7}))
    assert (chat.origin("top_k"), chat.sampling(Sampling()).top_k) == ("this chat", 7)
    assert (chat.system, chat.system_origin) == ("", "this chat")


def test_a_preset_of_the_chat_replaces_what_was_set_for_all():
    settings = Settings(parameters={"temperature": 0.3, "top_k": 5})
    chat = InForce(settings, ChatSettings(preset="creative", parameters={"min_p": 0.2}))
    sampling = chat.sampling(Sampling())
    assert (sampling.temperature, sampling.top_k, sampling.min_p) == (1.0, 0, 0.2)


def test_a_preset_that_is_gone_counts_as_not_chosen():
    chat = InForce(Settings(preset="balanced"), ChatSettings(preset="of an import"))
    assert chat.preset == "balanced"
    assert chat.sampling(Sampling()).temperature == 0.7
    assert chat.notices == ["there is no preset 'of an import', which this chat chose; your defaults hold"]
    assert InForce(Settings(), ChatSettings(preset="creative")).notices == InForce(Settings()).notices == []


def test_without_any_preset_what_is_set_for_all_holds():
    default = InForce(Settings(preset="", parameters={"temperature": 0.5}))
    assert (default.sampling(Sampling()).temperature, default.origin("temperature")) == (0.5, "your default")
    assert default.defaults == {"temperature": 0.5}


def test_half_a_surrogate_pair_becomes_text_that_can_be_sent():
    chosen, notices = from_json('{"system": "a\\ud800b"}')
    assert (chosen.system, notices) == ("a?b", [])


def test_what_was_chosen_since_is_told_apart():
    before = ChatSettings("Be brief.", "creative", parameters={"temperature": 0.5, "top_k": 7})
    after = ChatSettings("Be brief.", "balanced", parameters={"temperature": 0.5, "top_k": 9})
    assert after.since(before) == ChatSettings(None, "balanced", parameters={"top_k": 9})

"""The settings file: bad values are notices, changes touch one line, nothing is ever lost."""

import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spectra_local.chat_settings import InForce
from spectra_local.errors import SpectraError, UsageError
from spectra_local.protocol import Sampling
from spectra_local.settings import Settings, change_setting, checked_parameter, load_settings, settings_file


def write(text: str) -> Path:
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_there_are_the_defaults():
    assert load_settings() == (Settings(), [])
    assert not settings_file().exists()


def test_a_preset_and_single_parameters_make_the_sampling():
    write('preset = "mine"\n[parameters]\ntop_k = 40\n[presets.mine]\ntemperature = 0.3\ntop_p = 0.9\n')
    loaded, notices = load_settings()
    assert notices == []
    assert InForce(loaded).sampling(Sampling(repeat_penalty=1.05)) == Sampling(
        temperature=0.3, top_p=0.9, top_k=40, repeat_penalty=1.05
    )


def test_each_bad_value_is_one_notice_and_the_others_count():
    write(
        'theme = 7\ntint = "yes"\nsend = "ctrl+enter"\nsurprise = 1\npreset = "gone"\nkeys = 3\n'
        '[presets.bad]\ntemperature = "hot"\ntop_k = -1\ntop_p = true\n[parameters]\nmin_p = 0.1\ntop_k = 1.5\nx = 1\n'
    )
    loaded, notices = load_settings()
    assert (loaded.send, loaded.theme, loaded.tint, loaded.preset) == ("ctrl+enter", "", False, "precise")
    assert loaded.parameters == {"min_p": 0.1}
    assert loaded.presets["bad"] == {}
    words = "\n".join(notices)
    for part in ("theme must be text", "tint must be true", "'surprise'", "preset 'gone'", "keys is no table",
                 "temperature must be a number from 0 to 5", "top_k must be a whole number"):  # fmt: skip
        assert part in words
    assert all("\n" not in notice for notice in notices)


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"[[[", b"a" * 2_000_000, b"[" * 5000])
def test_a_file_that_is_no_settings_file_is_one_notice_and_is_never_touched(content: bytes):
    path = write("")
    path.write_bytes(content)
    loaded, notices = load_settings()
    assert loaded == Settings()
    assert len(notices) == 1
    with pytest.raises(SpectraError):
        change_setting(("theme",), "spectra-light")
    assert path.read_bytes() == content


def test_a_change_keeps_comments_and_everything_else():
    path = write(
        '# mine\ntheme = "a" # why\n\n[systems]\n"short one" = """\nAnswer\n[theme]\nbriefly."""\n\n[keys]\n# none\n'
    )
    change_setting(("theme",), "b")
    change_setting(("systems", "short one"), "Be brief.\n")
    change_setting(("keys", "chat.new"), "ctrl+t")
    change_setting(("presets", "my preset", "top_p"), 0.5)
    change_setting(("tint",), True)
    text = path.read_text("utf-8")
    assert text.startswith("# mine\n")
    assert "# none" in text
    assert tomllib.loads(text) == {
        "theme": "b",
        "tint": True,
        "systems": {"short one": "Be brief.\n"},
        "keys": {"chat.new": "ctrl+t"},
        "presets": {"my preset": {"top_p": 0.5}},
    }
    change_setting(("keys", "chat.new"), None)
    assert "chat.new" not in path.read_text("utf-8")


def test_what_cannot_be_edited_by_line_is_refused_and_kept():
    path = write('keys = { "chat.new" = "f9" }\n')
    before = path.read_bytes()
    with pytest.raises(SpectraError, match="by hand"):
        change_setting(("keys", "chat.new"), "f8")
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_the_file_is_private_and_a_link_stays_a_link(tmp_path: Path):
    change_setting(("theme",), "x")
    assert stat.S_IMODE(settings_file().stat().st_mode) == 0o600
    target = tmp_path / "dotfiles.toml"
    settings_file().rename(target)
    settings_file().symlink_to(target)
    change_setting(("theme",), "y")
    assert settings_file().is_symlink()
    assert load_settings()[0].theme == "y"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line():
    change_setting(("theme",), "x")
    settings_file().parent.chmod(0o500)
    try:
        with pytest.raises(SpectraError, match="cannot write"):
            change_setting(("theme",), "y")
    finally:
        settings_file().parent.chmod(0o700)


NAMES = st.text(min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(changes=[("\x85", ""), ("\x85", None)])
@example(changes=[("a\u2028b", "c\u2028d"), ("a\u2028b", "e")])
@given(changes=st.lists(st.tuples(NAMES, st.none() | st.text(max_size=20)), max_size=5))
def test_any_texts_come_back_as_they_were(changes: list[tuple[str, str | None]]):
    settings_file().unlink(missing_ok=True)
    expected: dict[str, str] = {}
    for name, text in changes:
        change_setting(("systems", name), text)
        expected.pop(name, None)
        if text is not None:
            expected[name] = text
    assert load_settings()[0].systems == expected


@pytest.mark.parametrize(("name", "text"), [("temperature", "hot"), ("temperature", "9"), ("top_k", "1.5"), ("x", "1")])
def test_a_parameter_that_makes_no_sense_is_refused_with_its_range(name: str, text: str):
    with pytest.raises(UsageError, match=r"must be|there is no parameter"):
        checked_parameter(name, text)


def test_a_parameter_is_a_number():
    assert checked_parameter("temperature", "0.5") == 0.5
    assert checked_parameter("top_k", "40") == 40

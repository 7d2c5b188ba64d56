"""What is offered to who has no model, and which one is meant where none is named."""

from pathlib import Path

import pytest
from fakes.gguf import write_gguf

from spectra_local import locations
from spectra_local.catalogue import ModelNotPulledError, NoModelError, resolve
from spectra_local.catalogue.default import default_row, name_for_option
from spectra_local.catalogue.entries import entries, entry_named
from spectra_local.catalogue.listing import rows
from spectra_local.catalogue.offers import ROOMY, choice_of, offers
from spectra_local.catalogue.on_disk import find_all
from spectra_local.errors import ModelNotFoundError
from spectra_local.settings import change_setting

BEST, SMALL, TINY = "qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"
ALL = [BEST, SMALL, TINY]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no variable points elsewhere; memory enough."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    has_memory(monkeypatch, 8_000_000_000)
    return tmp_path


def has_memory(monkeypatch: pytest.MonkeyPatch, n_bytes: int | None) -> None:
    monkeypatch.setattr("spectra_local.catalogue.default.available_bytes", lambda: n_bytes)


def fetched(name: str) -> Path:
    entry = entry_named(name)
    assert entry is not None
    return write_gguf(locations.models_dir() / entry.file)


@pytest.mark.parametrize(
    ("memory", "names"),
    [
        (None, ALL),
        (ROOMY, ALL),
        (ROOMY - 1, [SMALL, BEST, TINY]),
        (1_200_000_000, [SMALL, BEST, TINY]),
        (1_000_000_000, [SMALL, TINY]),
        (100_000_000, [TINY]),
        (0, [TINY]),
    ],
)
def test_the_best_that_this_machine_can_hold_is_offered_first(memory: int | None, names: list[str]):
    assert [choice.name for choice in offers(memory)] == names


def test_size_time_licence_and_words_are_told_of_each():
    first, small, tiny = offers(None)
    assert (first.size, first.time, first.licence) == ("1.1 GB", "3 min", "Apache License 2.0")
    assert (small.size, small.time) == ("491 MB", "79 s")
    assert (tiny.size, tiny.time, tiny.words) == ("98 MB", "16 s", "tiny, to try the program, not to believe")
    assert all(choice.words for choice in (first, small, tiny))


def test_what_is_not_known_of_a_model_is_not_made_up():
    rounded, unknown = entry_named("tinyllama-1.1b-chat"), entry_named("codellama-7b")
    assert rounded and unknown
    assert choice_of(rounded).size == "~669 MB"
    assert (choice_of(unknown).size, choice_of(unknown).time) == ("unknown", "?")


def test_with_nothing_on_the_disk_no_name_means_a_choice():
    with pytest.raises(NoModelError, match=f"no model is on this disk yet: 'spectra-chat models pull {BEST}'") as error:
        resolve(None)
    assert [choice.name for choice in error.value.choices] == ALL


def test_no_name_is_the_best_offer_on_the_disk():
    for name in reversed(ALL):
        path = fetched(name)
        assert resolve(None) == path


def test_one_that_does_not_fit_into_memory_is_taken_only_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch):
    has_memory(monkeypatch, 1_000_000_000)
    large = fetched(BEST)
    assert resolve(None) == large
    small = fetched(SMALL)
    assert resolve(None) == small


def test_another_programs_copy_of_an_offer_is_the_default_too(home: Path, monkeypatch: pytest.MonkeyPatch):
    entry = entry_named(TINY)
    assert entry is not None
    monkeypatch.setattr("spectra_local.catalogue.entries.Entry.may_have_size", lambda *_: True)
    path = write_gguf(home / ".cache/llama.cpp" / entry.file)
    assert resolve(None) == path


def test_other_models_on_the_disk_are_offered_first_and_never_taken_unasked(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    has_memory(monkeypatch, 3_000)
    path = write_gguf(home / ".cache/llama.cpp/Theirs-Q4.gguf", size=2_000)
    write_gguf(home / ".cache/llama.cpp/Too-Large-Q4.gguf", size=4_000)
    with pytest.raises(NoModelError, match="no model is chosen yet; on this disk: Theirs-Q4: ") as error:
        resolve(None)
    first, *others = error.value.choices
    assert (first.name, first.path, first.time, first.licence) == ("Theirs-Q4", path, "here", "")
    assert [choice.name for choice in others] == [TINY]


def test_the_settings_come_before_the_offers(home: Path):
    fetched(BEST)
    mine = write_gguf(home / "mine.gguf")
    change_setting(("model",), str(mine))
    assert resolve(None) == mine
    mine.unlink()
    with pytest.raises(ModelNotFoundError, match="the settings name it: 'spectra-chat models default NAME'"):
        resolve(None)
    change_setting(("model",), SMALL)
    with pytest.raises(ModelNotPulledError) as error:
        resolve(None)
    assert [choice.name for choice in error.value.choices] == [SMALL]


def test_the_default_is_one_row_of_the_list_also_before_it_is_fetched(home: Path):
    def marked() -> str | None:
        row = default_row(rows(entries(), find_all(), None))
        return row.name if row else None

    assert marked() == BEST
    theirs = write_gguf(home / ".cache/llama.cpp/Theirs-Q4.gguf")
    assert marked() == "Theirs-Q4"
    fetched(TINY)
    assert marked() == TINY
    change_setting(("model",), str(theirs))
    assert marked() == "Theirs-Q4"
    change_setting(("model",), BEST)
    assert marked() == BEST
    change_setting(("model",), "no such model")
    assert marked() is None


def test_a_file_goes_by_its_name_where_that_leads_to_it(home: Path):
    assert name_for_option(fetched(TINY)) == TINY
    elsewhere = write_gguf(home / "somewhere/model.gguf")
    assert name_for_option(elsewhere) == str(elsewhere)

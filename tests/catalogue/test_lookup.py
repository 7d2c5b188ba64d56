"""From what a user types to a file."""

from pathlib import Path

import pytest
from fakes.gguf import write_gguf

from spectra_local import locations
from spectra_local.catalogue import ModelNotPulledError, added, resolve
from spectra_local.catalogue.lookup import entry_meant
from spectra_local.errors import ModelNotFoundError

DEFAULT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no variable points elsewhere."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cached(home: Path) -> Path:
    return write_gguf(home / ".cache/huggingface/hub/models--bartowski--X/snapshots/r/Mistral-Tiny-Q4.gguf")


@pytest.mark.parametrize(
    "name", ["smollm2-135m-instruct", "SmolLM2-135M-Instruct", "smollm2-135", "SMOLLM2-135M-INSTRUCT"]
)
def test_case_does_not_matter_and_a_unique_beginning_is_enough(name: str):
    path = write_gguf(locations.models_dir() / DEFAULT_FILE)
    assert resolve(name) == path


def test_a_model_on_disk_goes_by_its_name_too(cached: Path):
    assert resolve("mistral-tiny-q4") == cached
    assert resolve("mistral") == cached


def test_another_programs_copy_of_a_catalogue_model_is_used(home: Path):
    path = write_gguf(home / ".cache/huggingface/hub/models--TheBloke--L/snapshots/r/llama-2-7b-chat.Q4_K_M.gguf")
    assert resolve("llama-2-7b-chat") == path


def test_a_file_of_the_right_name_and_the_wrong_size_is_not_the_catalogues(home: Path):
    write_gguf(home / ".cache/llama.cpp" / DEFAULT_FILE)
    with pytest.raises(ModelNotPulledError):
        resolve("smollm2-135m-instruct")


def test_an_added_name_leads_to_the_users_own_file(home: Path):
    path = write_gguf(home / "somewhere/model.gguf")
    added.remember("mine", path)
    assert resolve("MINE") == path


def test_a_whole_name_wins_over_the_beginning_of_another(home: Path):
    short, long = write_gguf(home / "a.gguf"), write_gguf(home / "b.gguf")
    added.remember("chat", short)
    added.remember("chat-large", long)
    assert resolve("chat") == short


def test_a_beginning_that_one_file_on_disk_shares_with_the_catalogue_means_the_file(home: Path):
    path = write_gguf(home / "x.gguf")
    added.remember("llama-3-mine", path)
    assert resolve("llama-3") == path


def test_an_ambiguous_beginning_names_the_choices():
    with pytest.raises(ModelNotFoundError, match=r"'llama-3.2' may mean llama-3.2-1b-instruct, llama-3.2-3b-instruct"):
        resolve("llama-3.2")


@pytest.mark.parametrize("spelling", ["./model.gguf", "model.gguf", "{home}/model.gguf", "~/model.gguf"])
def test_a_path_is_a_path(home: Path, spelling: str):
    path = write_gguf(home / "model.gguf")
    assert resolve(spelling.format(home=home)) == path


def test_a_file_that_is_no_model_is_still_a_path_for_the_header_check_to_judge(home: Path):
    (home / "notes.txt").write_text("no model")
    assert resolve("./notes.txt") == home / "notes.txt"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("./gone.gguf", "there is no file ./gone.gguf"),
        ("gone.gguf", "there is no file gone.gguf"),
        ("/", "/ is a folder; name the .gguf file in it"),
        ("/dev/null", "/dev/null is no ordinary file"),
        ("lama-3.2-1b", "the nearest names are llama-3.2-1b-instruct"),
        ("smollm2-135m-chat", "the nearest names are smollm2-135m-instruct"),
        ("zzz", "there is no model 'zzz'; 'spectra-chat models list' shows all"),
        ("", "there is no model ''"),
        ("a\nb\x1b[31m", "there is no model"),
        ("~nobody-of-that-name/x", "there is no file ~nobody-of-that-name/x"),
        ("/" + "x" * 5000, "there is no file /xxx"),
        ("x" * 5000, "there is no model"),
    ],
)
def test_what_cannot_be_found_is_one_clear_line(name: str, words: str):
    with pytest.raises(ModelNotFoundError) as error:
        resolve(name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 500


def test_pull_understands_a_unique_beginning_but_no_more():
    assert entry_meant("qwen2.5-coder-0").name == "qwen2.5-coder-0.5b-instruct"
    assert entry_meant("Qwen2.5-Coder-1.5B").name == "qwen2.5-coder-1.5b"
    with pytest.raises(ModelNotFoundError, match="may mean"):
        entry_meant("codellama-7")
    with pytest.raises(ModelNotFoundError, match="there is no model"):
        entry_meant("gpt")


def test_a_damaged_record_of_added_models_is_set_aside_not_lost(home: Path):
    record = locations.data_dir() / "added-models.json"
    record.parent.mkdir(parents=True)
    record.write_text('[{"name": "old", "pa')
    added.remember("new", write_gguf(home / "new.gguf"))
    assert [model.name for model in added.added_models()] == ["new"]
    assert record.with_suffix(".damaged").read_text().startswith('[{"name": "old"')

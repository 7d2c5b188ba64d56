"""The models command: data on stdout, words on stderr, nothing of others deleted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from fakes.gguf import gguf_bytes, write_gguf
from fakes.hub import FakeHub
from fakes.waiting import wait_until

from spectra_local import locations
from spectra_local.byte_size import byte_size
from spectra_local.catalogue import entries as catalogue_entries
from spectra_local.catalogue.entries import Entry, Licence
from spectra_local.cli.models import models
from spectra_local.errors import ModelFileError, ModelNotFoundError, SpectraError, UsageError
from spectra_local.settings import load_settings

APACHE = Licence("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
LLAMA = Licence("llama3.2", "Llama 3.2 Community License", "https://www.llama.com/llama3_2/license/", True)

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; no variable points elsewhere."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub(gguf_bytes(size=1 << 20)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


@pytest.fixture
def catalogue(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models that the hub serves, in the place of ours."""

    def entry(name: str, licence: Licence) -> Entry:
        return Entry(
            name,
            "llama3",
            f"someone/{name}",
            f"{name}.gguf",
            n_bytes=1 << 20,
            exact_size=True,
            sha256=hub.etag,
            licence=licence,
            context=2048,
        )

    both = (entry("free", APACHE), entry("licensed", LLAMA))
    for module in ("catalogue.entries", "catalogue.lookup", "cli.models"):
        monkeypatch.setattr(f"spectra_local.{module}.entries", lambda: both)
    assert catalogue_entries.entries() is both


@pytest.fixture
def run() -> Run:
    """Runs a command line; errors of ours come back as ``result.exception``, as main.py sees them."""
    return lambda *arguments: CliRunner().invoke(models, arguments, standalone_mode=False)


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("spectra_local.cli.choice.sys", SimpleNamespace(stdin=terminal, stderr=terminal))


def in_cache(home: Path, name: str, **shape: int) -> Path:
    return write_gguf(home / f".cache/huggingface/hub/models--a--b/snapshots/r/{name}.gguf", **shape)


def test_list_shows_catalogue_and_disk_side_by_side(run: Run, home: Path):
    size = byte_size(in_cache(home, "Found-Q4").stat().st_size)
    result = run("list")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["NAME", "SIZE", "WHERE", "CONTEXT", "LICENCE", "FILL-IN"]
    assert lines[3].split() == ["smollm2-135m-instruct", "98", "MB", "-", "8192", "apache-2.0"]
    assert any(line.split() == ["tinyllama-1.1b-chat", "~669", "MB", "-", "2048", "apache-2.0"] for line in lines)
    assert any(line.split()[:2] == ["codellama-7b", "unknown"] for line in lines)
    assert lines[-1].split() == ["*", "Found-Q4", *size.split(), "hugging-face"]
    assert [line.split()[1] for line in lines if line.startswith("*")] == ["Found-Q4"]
    assert "* the default" in result.stderr


def test_list_marks_what_does_not_fit_into_free_memory(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spectra_local.cli.models.available_bytes", lambda: 10**9)
    result = run("list")
    marked = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("!")]
    assert "llama-3.1-8b-instruct" in marked
    assert "smollm2-360m-instruct" not in marked
    assert "larger than the memory that is free" in result.stderr


def test_list_as_json_is_one_document_with_every_fact(run: Run, home: Path):
    path = in_cache(home, "Found-Q4", size=1234)
    document = json.loads(run("list", "--json").stdout)
    assert document["default"] == "Found-Q4"
    by_name = {model["name"]: model for model in document["models"]}
    assert [name for name, model in by_name.items() if model["default"]] == ["Found-Q4"]
    assert by_name["smollm2-135m-instruct"]["path"] is None
    assert by_name["codellama-7b"]["bytes"] is None
    assert by_name["qwen2.5-coder-7b-instruct"]["fim"] == "qwen"
    found = by_name["Found-Q4"]
    assert (found["path"], found["bytes"], found["where"]) == (str(path), 1234, "hugging-face")
    assert (found["in_catalogue"], found["licence"]) == (False, None)


def test_hostile_file_names_reach_the_screen_as_text(run: Run, home: Path):
    in_cache(home, "evil\x1b]52;c;AAAA\x07\nname")
    result = run("list")
    assert "\x1b" not in result.stdout
    assert "␛]52;c;AAAA␇␊name" in result.stdout


@pytest.mark.usefixtures("catalogue")
def test_pull_prints_the_path_on_stdout_and_words_on_stderr(run: Run, hub: FakeHub):
    result = run("pull", "free")
    path = locations.models_dir() / "free.gguf"
    assert result.stdout == f"{path}\n"
    assert result.stderr == "fetching free (1.0 MB, Apache License 2.0)\n"
    assert path.read_bytes() == hub.content


@pytest.mark.usefixtures("catalogue")
def test_pull_fetches_nothing_that_is_here(run: Run, hub: FakeHub, home: Path):
    path = in_cache(home, "free", size=1 << 20)
    result = run("pull", "free")
    assert result.stdout == f"{path}\n"
    assert "on this disk already (hugging-face)" in result.stderr
    assert hub.requests == []


def test_pull_of_an_unknown_name_tells_the_nearest(run: Run):
    result = run("pull", "smollm2-135m-chat")
    assert isinstance(result.exception, ModelNotFoundError)
    assert "smollm2-135m-instruct" in str(result.exception)


@pytest.mark.usefixtures("catalogue")
def test_pull_without_a_terminal_needs_the_licence_accepted_by_option_once(run: Run, hub: FakeHub):
    result = run("pull", "licensed")
    assert isinstance(result.exception, SpectraError)
    assert result.exception.exit_code == 1
    assert LLAMA.url in str(result.exception)
    assert "--accept-licence" in str(result.exception)
    assert hub.requests == []
    assert run("pull", "licensed", "--accept-licence").exception is None
    assert run("remove", "licensed", "--yes").exception is None
    assert run("pull", "licensed").exception is None


@pytest.mark.usefixtures("catalogue", "at_a_terminal")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_pull_at_a_terminal_shows_the_licence_and_asks(answer: str):
    result = CliRunner().invoke(models, ["pull", "licensed"], input=f"{answer}\n", standalone_mode=False)
    assert LLAMA.url in result.stderr
    assert "Do you accept it?" in result.stderr
    assert (result.exception is None) == (answer == "y")
    assert (locations.models_dir() / "licensed.gguf").exists() == (answer == "y")


def test_ctrl_c_keeps_what_arrived_and_exits_130(hub: FakeHub):
    hub.serve(gguf_bytes(size=4 << 20))
    hub.etag = "no-checksum"  # the real catalogue pins other bytes
    hub.cut_after, hub.cuts, hub.stalls = 2 << 20, 1, True
    command = [sys.executable, "-c", "from spectra_local.cli.main import run; run()", "models", "pull", "codellama-7b"]
    process = subprocess.Popen(
        [*command, "--accept-licence"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: any(part.stat().st_size for part in locations.models_dir().glob("*.part")), 60)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1] == (
        "spectra-chat: fetching codellama-7b was stopped; 'spectra-chat models pull codellama-7b' takes it up again"
    )
    assert "Traceback" not in stderr
    (part,) = locations.models_dir().glob("*.part")
    assert 0 < part.stat().st_size <= 2 << 20


@pytest.mark.usefixtures("catalogue")
def test_remove_deletes_what_was_fetched_when_told_so(run: Run):
    run("pull", "free")
    result = run("remove", "free")
    assert "say so with --yes" in str(result.exception)
    assert (locations.models_dir() / "free.gguf").exists()
    assert run("remove", "FREE", "--yes").stderr == "removed free\n"
    assert list(locations.models_dir().iterdir()) == []


@pytest.mark.usefixtures("catalogue", "at_a_terminal")
def test_remove_asks_at_a_terminal():
    write_gguf(locations.models_dir() / "free.gguf", size=1 << 20)
    no = CliRunner().invoke(models, ["remove", "free"], input="n\n", standalone_mode=False)
    assert str(no.exception) == "nothing was removed"
    yes = CliRunner().invoke(models, ["remove", "free"], input="y\n", standalone_mode=False)
    assert yes.exception is None
    assert list(locations.models_dir().iterdir()) == []


@pytest.mark.usefixtures("catalogue")
def test_remove_clears_an_unfinished_download(run: Run):
    write_gguf(locations.models_dir() / "free.gguf.0123.part")
    assert run("remove", "free").stderr == "removed the unfinished download of free\n"
    assert list(locations.models_dir().iterdir()) == []


def test_remove_leaves_other_programs_files_alone(run: Run, home: Path):
    path = in_cache(home, "Theirs")
    result = run("remove", "Theirs", "--yes")
    assert f"Theirs belongs to hugging-face ({path}): remove it there" in str(result.exception)
    assert path.exists()


def test_remove_of_what_is_not_there_says_so(run: Run):
    assert str(run("remove", "smollm2-135m-instruct").exception) == "smollm2-135m-instruct is not on this disk"
    assert "there is no model 'zzz'" in str(run("remove", "zzz").exception)


@pytest.mark.model
def test_add_uses_a_file_in_place_and_remove_forgets_it_alone(run: Run, home: Path, smollm2_path: Path):
    link = home / "My Model (v1).gguf"
    link.symlink_to(smollm2_path)
    assert "as My-Model-v1; the file stays where it is" in run("add", str(link)).stderr
    assert run("path", "my-model").stdout == f"{link}\n"
    assert run("add", str(link), "--name", "my-model-v1").exception is None
    assert f"its file stays at {link}" in run("remove", "my-model-v1").stderr
    assert link.exists()
    assert isinstance(run("path", "my-model-v1").exception, ModelNotFoundError)


@pytest.mark.model
def test_add_refuses_names_that_are_taken_or_unusable(run: Run, smollm2_path: Path):
    for name in ("llama-3.2-1b-instruct", "a/b", "a b", "", "\x1b[31m", "x" * 200):
        result = run("add", str(smollm2_path), "--name", name)
        assert isinstance(result.exception, UsageError), name


def test_add_checks_the_file(run: Run, home: Path):
    text = home / "text.gguf"
    text.write_text("no model")
    truncated = write_gguf(home / "truncated.gguf")
    assert isinstance(run("add", str(text)).exception, ModelFileError)
    assert isinstance(run("add", str(truncated)).exception, ModelFileError)
    assert "is no file" in str(run("add", str(home / "gone.gguf")).exception)
    assert "is a folder" in str(run("add", str(home)).exception)
    assert not locations.data_dir().exists()


def test_an_added_model_whose_file_is_gone_can_be_forgotten(run: Run, home: Path):
    from spectra_local.catalogue import added

    added.remember("gone", home / "gone.gguf")
    assert run("remove", "gone").stderr == "forgot gone\n"
    assert added.added_models() == []


def test_path_prints_the_bytes_of_a_name_that_is_not_utf8(run: Run, home: Path):
    folder = home / ".cache/llama.cpp"
    folder.mkdir(parents=True)
    name = os.fsencode(folder) + b"/caf\xe9.gguf"
    write_gguf(Path(os.fsdecode(name)))
    assert run("path", "caf").stdout_bytes == name + b"\n"
    assert "caf\ufffd" in run("list").stdout


def test_path_of_a_model_that_is_not_here_says_how_to_fetch_it(run: Run):
    result = run("path")
    assert result.stdout == ""
    assert "no model is on this disk yet: 'spectra-chat models pull qwen2.5-coder-" in str(result.exception)


@pytest.mark.model
def test_default_prints_the_name_and_writes_another_into_the_settings(run: Run, home: Path, smollm2_path: Path):
    assert "no model is on this disk yet" in str(run("default").exception)
    link = home / "my model.gguf"
    link.symlink_to(smollm2_path)
    result = run("default", str(link))
    assert (result.stdout, result.stderr) == ("", f"the default is {link} from now on\n")
    assert load_settings()[0].model == str(link)
    run("add", str(link), "--name", "mine")
    assert run("default", "MIN").stderr == "the default is mine from now on\n"
    assert run("default").stdout == "mine\n"
    assert run("path").stdout == f"{link}\n"
    assert [line.split()[1] for line in run("list").stdout.splitlines() if line.startswith("*")] == ["mine"]
    assert run("default", "--reset").exception is None
    assert load_settings()[0].model == ""


def test_default_refuses_what_could_not_be_loaded(run: Run, home: Path):
    (home / "text.gguf").write_text("no model")
    assert isinstance(run("default", str(home / "text.gguf")).exception, ModelFileError)
    assert "models pull smollm2-135m-instruct' fetches it" in str(run("default", "smollm2-135m-instruct").exception)
    assert isinstance(run("default", "no such model").exception, ModelNotFoundError)
    assert isinstance(run("default", "x", "--reset").exception, UsageError)
    assert load_settings()[0].model == ""

"""No child process imports from the folder that it is started in."""

import ast
import threading
from contextlib import closing
from pathlib import Path

import pytest

from spectra_local.errors import SpectraError
from spectra_local.llama.facts import native_facts
from spectra_local.llama.jinja_sandbox import render
from spectra_local.protocol import Message
from spectra_local.python_process import module_command
from spectra_local.worker import EngineProcess
from tui.corpus_work import CorpusWork

ROOT = Path(__file__).parents[1]
TRAPS = ("tui", "spectra_local", "pip", "numpy", "llama_cpp", "click", "jinja2", "json", "sqlite3")


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with files called as modules are; whoever imports one leaves this file."""
    left = tmp_path / "imported"
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text(f"open({str(left)!r}, 'a').write({name!r})\nraise SystemExit('trapped')\n")
    monkeypatch.chdir(tmp_path)
    return left


def test_a_folder_of_files_called_as_modules_is_imported_by_no_child(trapped: Path) -> None:
    assert native_facts()["backend"]
    assert render("{{ messages[0].content }}", [[Message("user", "hi")]], {}) == ["hi"]
    not_a_model = trapped.with_name("x.gguf")
    not_a_model.write_text("no model")
    with closing(EngineProcess(not_a_model)) as engine, pytest.raises(SpectraError, match="GGUF"):
        list(engine.load())
    ended = threading.Event()
    work = CorpusWork(["there-is-none"], lambda: False, lambda line: ended.set())
    assert ended.wait(60)
    assert "does not exist" in (work.state.ended or "")
    assert not trapped.exists(), trapped.read_text()


def test_python_is_started_in_one_place_alone() -> None:
    """What the test above cannot know: children of tomorrow."""
    found = []
    for file in [*ROOT.glob("spectra_local/**/*.py"), *ROOT.glob("tui/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.List | ast.Tuple) and "sys.executable" in ast.unparse(node):
                found.append(file.relative_to(ROOT).as_posix())
    assert set(found) == {"spectra_local/python_process.py"}
    assert module_command("pip")[1] == "-P"

"""Corpora made through the program's entry, scored by the real small model."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spectra_local.catalogue import resolve
from spectra_local.cli import opening
from spectra_local.cli.main import run
from spectra_local.corpus.alone import alone
from spectra_local.corpus.building import Building, Scorer
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.forgetting import Forget
from spectra_local.history.index import Index
from spectra_local.history.store import Store
from spectra_local.history.turn import Turn
from spectra_local.llama.likelihood import Likelihood
from spectra_local.locations import cache_dir, data_dir

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("native_here")]

EASY = "the quick brown fox jumps over the lazy dog, and one two three four five six seven eight nine ten.\n" * 2
HARD = "zebra quorum lattice 7 vinegar; oblique herring nine gusset, unlikely parsnip tax axle moth fjord plinth.\n" * 2

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def corpus(capsys: pytest.CaptureFixture[str], smollm2_path: Path) -> Command:
    def command(*arguments: str) -> tuple[int, str, str]:
        model = ["-m", str(smollm2_path)] if arguments[0] in ("add", "refresh") else []
        with pytest.raises(SystemExit) as ended:
            run(None, ["corpus", *arguments, *model])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "internal error" not in err
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "easy.txt").write_text(EASY)
    (folder / "hard.txt").write_text(HARD)
    return folder


def listed(corpus: Command) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(corpus("list", "--json")[1])["corpora"]
    return found


def turns() -> list[Turn]:
    with closing(Database()) as database:
        return list(Store(database).turns(corpora=True))


def test_the_easier_half_of_a_folder_is_kept_and_searched(corpus: Command, project: Path) -> None:
    assert corpus("add", str(project))[:2] == (0, "")
    (found,) = listed(corpus)
    assert (found["name"], found["chunks"], found["kept_chunks"]) == ("project", 2, 1)
    assert [turn.text for turn in turns()] == [EASY]
    code, out, _ = corpus("list")
    assert code == 0 and "project" in out and "perplexity" in out
    with closing(Database()) as database:
        index = Index(Store(database), turns()[0].fingerprint, 1 << 20, corpora=True)
        tokens = turns()[0].tokens.tolist()
        (match, *_) = index.matches(tokens[:17], 3)
        assert index.following(match.position, 5) == tokens[17:22]
        own = Index(Store(database), turns()[0].fingerprint, 1 << 20)
        assert not own.matches(tokens[:17], 3)
        for each in (index, own):
            each.close()


def test_only_what_changed_is_scored_again(corpus: Command, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[Sequence[int]] = []
    of = Likelihood.of

    def counted(self: Likelihood, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        scored.extend(texts)
        return of(self, texts)

    monkeypatch.setattr(Likelihood, "of", counted)
    corpus("add", str(project), "--keep", "1")
    assert len(scored) == 2
    assert corpus("refresh")[0] == 0
    assert len(scored) == 2
    (project / "new.txt").write_text("A third text about boats, harbours, ropes and the weather at sea. " * 2)
    (project / "hard.txt").unlink()
    assert corpus("refresh", "project")[0] == 0
    assert len(scored) == 3
    assert {turn.text[:5] for turn in turns()} == {"the q", "A thi"}


def test_a_refresh_without_changes_writes_nothing(corpus: Command, project: Path) -> None:
    corpus("add", str(project))
    before = [turn.id for turn in turns()]
    assert corpus("refresh")[0] == 0
    assert [turn.id for turn in turns()] == before


def test_removing_erases_every_byte_of_it(corpus: Command, project: Path) -> None:
    corpus("add", str(project), "--keep", "1")
    needle = turns()[0].tokens.tobytes()[:40]
    assert corpus("remove", "project")[0] == 0
    assert listed(corpus) == []
    for path in (*data_dir().rglob("*"), *cache_dir().rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert b"quick brown fox" not in content and needle not in content, path


def test_names_that_are_no_text_are_no_trouble(corpus: Command, tmp_path: Path) -> None:
    folder = tmp_path / "\udcff odd \x1b[31m"
    folder.mkdir()
    (folder / "\udcfe\n.txt").write_text(EASY)
    code, _, err = corpus("add", str(folder), str(tmp_path / "\udcff\x1b"), "--keep", "1")
    assert code == 1 and "\x1b" not in err
    assert "\x1b" not in corpus("list")[1]
    assert [turn.text for turn in turns()] == [EASY]
    assert corpus("refresh")[0] == 0


def test_secrets_copies_and_repetition_are_left_out_and_counted(corpus: Command, project: Path) -> None:
    (project / "copy.txt").write_text(EASY)
    (project / "zeros.txt").write_text("0, " * 60)
    (project / "deploy.txt").write_text(
        "To deploy, log in with password = hunter2-Xk92!qq and then run the script.\n" * 2
    )
    corpus("add", str(project), "--keep", "1")
    seen = listed(corpus)[0]["seen"]
    assert isinstance(seen, dict)
    assert (seen["copies"], seen["repetition"], seen["secrets"]) == (1, 1, 1)
    assert all("hunter2" not in turn.text for turn in turns())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add"], 2, "name files or folders"),
        (["add", "x", "--from-history"], 2, "name files or folders"),
        (["add", "x", "--name", "own"], 2, "name is made of"),
        (["add", "x", "--name", "a/b"], 2, "name is made of"),
        (["add", "x", "--keep", "0"], 2, "keep"),
        (["add", "/no/such/thing"], 1, "/no/such/thing does not exist; nothing was added"),
        (["add", "/dev/null"], 1, "is a device"),
        (["add", "a\0b"], 2, "no name of a file"),
        (["add", "--from-history"], 1, "nothing was added"),
        (["refresh"], 1, "there is no corpus yet"),
        (["refresh", "none"], 1, "there is no corpus"),
        (["remove", "none"], 1, "there is no corpus"),
        (["remove", "own"], 1, "another layer's name"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(
    corpus: Command, arguments: list[str], code: int, words: str
) -> None:
    ended, out, err = corpus(*arguments)
    assert (ended, out) == (code, "")
    assert words in err
    assert listed(corpus) == []


def test_a_path_that_is_missing_is_no_part_of_the_corpus_and_ends_with_an_error(corpus: Command, project: Path) -> None:
    missing = project / "missing"
    code, out, err = corpus("add", str(missing), str(project), "--name", "project")
    assert (code, out) == (1, "")
    assert f"skipped: {missing} does not exist" in err
    assert err.endswith(f"{missing} does not exist; corpus project was made without\n")
    (found,) = listed(corpus)
    assert (found["paths"], found["chunks"]) == ([str(project)], 2)
    assert corpus("refresh")[0] == 0


def test_a_corpus_of_other_paths_is_not_written_over(corpus: Command, project: Path) -> None:
    corpus("add", str(project))
    code, _, err = corpus("add", str(project / "easy.txt"), "--name", "project")
    assert code == 1 and "other paths" in err and "--name" in err
    assert listed(corpus)[0]["chunks"] == 2


def test_a_corpus_that_lost_text_says_so_and_reads_its_files_again(corpus: Command, project: Path) -> None:
    corpus("add", str(project), "--keep", "1")
    with closing(Database()) as database:
        Store(database).forget(Forget(containing="quick brown"))
    found = listed(corpus)[0]
    out = corpus("list")[1]
    assert found["missing_tokens"] and "hollow" in out and f"of which {found['kept_tokens']} are still there" in out
    assert corpus("refresh")[0] == 0
    assert "hollow" not in corpus("list")[1]
    assert [turn.text for turn in turns()] == [EASY, HARD]


def test_another_spelling_of_a_folder_is_no_other_folder(corpus: Command, project: Path) -> None:
    assert corpus("add", f"{project}/../project", "--name", "t")[0] == 0
    assert listed(corpus)[0]["paths"] == [str(project.resolve())]
    code, _, err = corpus("add", str(project), "--name", "t")
    assert code == 0 and "there already" in err


def test_a_refresh_takes_the_model_that_scored_and_not_the_default(
    corpus: Command, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus("add", str(project))
    asked: list[str | None] = []
    take = opening.model_path
    monkeypatch.setattr(opening, "model_path", lambda model: take(asked.append(model.name) or model))
    with pytest.raises(SystemExit) as ended:
        run(None, ["corpus", "refresh", "project"])
    assert not ended.value.code, capsys.readouterr().err
    assert asked == [listed(corpus)[0]["model"]]


def test_one_is_not_several(corpus: Command, project: Path) -> None:
    err = corpus("add", str(project / "easy.txt"))[2]
    assert "1 text, " in err and "in 1 chunk" in err and "1 texts" not in err
    out = corpus("list")[1]
    assert "1 chunk, " in out and "in 1 text;" in out and "0 files skipped" in out


def test_the_same_command_again_reads_the_text_again(corpus: Command, project: Path) -> None:
    corpus("add", str(project), "--keep", "1")
    before = [turn.id for turn in turns()]
    code, _, err = corpus("add", str(project))
    assert code == 0 and "there already" in err
    assert [turn.id for turn in turns()] == before
    (project / "hard.txt").unlink()
    assert corpus("add", str(project))[0] == 0
    assert [turn.text for turn in turns()] == [EASY]


def test_another_share_of_the_same_text_needs_no_scoring(
    corpus: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus("add", str(project))
    monkeypatch.delattr(Likelihood, "of")
    assert corpus("add", str(project), "--keep", "1")[0] == 0
    assert [turn.text for turn in turns()] == [EASY, HARD]


def test_text_that_another_corpus_has_is_not_scored_again(
    corpus: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus("add", str(project))
    (project.parent / "link").symlink_to(project)
    monkeypatch.delattr(Likelihood, "of")
    code, _, err = corpus("add", str(project.parent / "link"), "--name", "again")
    assert code == 1 and "corpus project has all of this text already" in err
    assert [each["name"] for each in listed(corpus)] == ["project"]
    assert corpus("add", str(project / "easy.txt"), "--name", "part", "--keep", "1")[0] == 0
    assert [each["kept_tokens"] for each in listed(corpus)] == [listed(corpus)[0]["kept_tokens"]] * 2


def test_the_model_is_listed_as_it_can_be_asked_for(corpus: Command, project: Path, smollm2_path: Path) -> None:
    corpus("add", str(project))
    name = listed(corpus)[0]["model"]
    assert isinstance(name, str) and resolve(name).samefile(smollm2_path)


def test_two_at_once_the_second_says_who_is_at_work(corpus: Command, project: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from spectra_local.corpus.alone import alone\nwith alone(): print(flush=True), input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout and holder.stdout.readline()
        code, _, err = corpus("add", str(project))
        assert code == 1 and f"process {holder.pid}" in err
    finally:
        holder.communicate(b"\n", timeout=20)
    with alone(), pytest.raises(SpectraError, match="another program"), alone():
        pass


def test_what_another_model_scored_is_refused_until_it_is_asked_for(corpus: Command, project: Path) -> None:
    corpus("add", str(project))
    with closing(sqlite3.connect(data_dir() / "store" / "spectra.sqlite")) as database:
        database.execute("UPDATE corpora SET scorer = 'other', model = 'Other-7B'")
        database.commit()
    code, _, err = corpus("refresh")
    assert code == 1 and "Other-7B" in err and "--rescore" in err
    assert len(turns()) == 1
    assert corpus("refresh", "--rescore")[0] == 0
    assert listed(corpus)[0]["model"] != "Other-7B"


def test_a_folder_that_is_gone_leaves_the_corpus_as_it_was(corpus: Command, project: Path, tmp_path: Path) -> None:
    corpus("add", str(project))
    project.rename(tmp_path / "elsewhere")
    code, _, err = corpus("refresh")
    assert code == 1 and "nothing was added" in err
    assert len(turns()) == 1
    assert listed(corpus)[0]["scored_chunks"] == 2


def test_an_interrupted_corpus_already_serves_and_is_gone_on_with(
    corpus: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Building.score

    def half(self: Building, scorer: Scorer, *args: Any) -> None:
        score(self, scorer, *args)
        with closing(sqlite3.connect(data_dir() / "store" / "spectra.sqlite")) as database:
            database.execute("UPDATE corpus_chunks SET nats = NULL WHERE id = (SELECT max(id) FROM corpus_chunks)")
            database.commit()
        raise KeyboardInterrupt

    monkeypatch.setattr(Building, "score", half)
    code, _, err = corpus("add", str(project), "--keep", "1")
    assert code == 130 and "goes on" in err
    assert len(turns()) == 1
    assert listed(corpus)[0]["finished"]
    monkeypatch.setattr(Building, "score", score)
    assert corpus("refresh")[0] == 0
    assert (listed(corpus)[0]["scored_chunks"], len(turns())) == (2, 2)

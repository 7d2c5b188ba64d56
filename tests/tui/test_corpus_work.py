"""A corpus that is read beside the chat: the real command and the real small model."""

from contextlib import closing
from pathlib import Path

import pytest
from fakes.waiting import wait_until

from spectra_local.corpus.records import Records
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from tui.corpus_work import CorpusWork

pytestmark = pytest.mark.model

THINGS = ("boats", "harbours", "ropes", "sails", "winds", "tides", "maps", "stars", "whales", "storms", "islands")
TEXT = "".join(f"Item {n} of the list is about {THINGS[n % 11]}, and what it says is short.\n" for n in range(40))


def test_it_rests_while_the_model_answers_and_goes_on_afterwards(smollm2_path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    busy, said = [True], list[str]()
    work = CorpusWork(["-m", str(smollm2_path), "--name", "beside", "--", str(tmp_path)], lambda: busy[0], said.append)
    wait_until(lambda: work.state.resting and work.state.total > 0, 60)
    assert work.state.done == 0
    busy[0] = False
    wait_until(lambda: work.state.ended is not None, 60)
    wait_until(lambda: bool(said))
    assert "kept" in said[0]
    with closing(Database()) as database:
        assert Records(Store(database)).all()[0].finished


def test_it_can_be_stopped_and_its_ending_is_told(smollm2_path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    work = CorpusWork(
        ["-m", str(smollm2_path), "--name", "beside", "--", str(tmp_path)], lambda: True, lambda line: None
    )
    wait_until(lambda: work.state.resting and work.state.total > 0, 60)
    work.stop()
    wait_until(lambda: work.state.ended is not None, 60)
    assert "interrupted" in (work.state.ended or "")


def test_what_is_wrong_is_said_in_one_line(smollm2_path: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    work = CorpusWork(["-m", str(smollm2_path), "--", str(missing)], lambda: False, lambda line: None)
    wait_until(lambda: work.state.ended is not None, 60)
    assert work.state.ended == f"{missing} does not exist; nothing was added"

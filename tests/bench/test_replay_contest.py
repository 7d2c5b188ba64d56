"""Replays of made-up recordings, small enough to know what must come out."""

import gzip
import json
from pathlib import Path

import pytest

from spectra_local.bench.replay_contest import load_curve, load_trace, replay_passes
from spectra_local.errors import SpectraError
from spectra_local.speculation.cost import CostCurve

FLAT = CostCurve({1: 1.0, 64: 1.0})  # guesses are free: tokens per step and speed are the same


def row(prompt: list[int], generated: list[int], task: str = "edit") -> dict[str, object]:
    return {
        "task": task,
        "prompt": prompt,
        "generated": generated,
        "top_ids": [[token, token + 1] for token in generated],
        "top_logprobs": [[-0.1, -2.4] for _ in generated],
    }


def written(path: Path, *rows: object) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(r) + "\n" for r in rows)
    return path


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    novel = list(range(1000, 1040))
    return written(
        tmp_path / "runs.jsonl.gz",
        row(list(range(100, 140)), [7, *range(100, 139)]),
        row(list(range(300, 310)), novel, "chat"),
    )


def test_plain_decoding_is_the_unit(trace: Path) -> None:
    passes, _ = replay_passes(load_trace(trace), FLAT, [], 1, growing=False)
    assert passes == [
        {"plain": {"all": 1.0, "worst": 1.0, "tasks": {"chat": 1.0, "edit": 1.0}, "tokens_per_step": 1.0}}
    ]


def test_rivals_gain_where_the_answer_repeats_its_prompt_only(trace: Path) -> None:
    passes, clocks = replay_passes(load_trace(trace), FLAT, ["prompt_lookup"], 1, growing=False)
    tasks = passes[0]["prompt_lookup"]["tasks"]
    assert tasks["edit"] > 5
    assert tasks["chat"] == 1.0
    assert len(clocks["prompt_lookup"]) == round(80 / passes[0]["prompt_lookup"]["tokens_per_step"])


def test_a_second_pass_knows_what_the_first_one_saw(trace: Path) -> None:
    methods = ["spectra", "rest", "suffix_decoding"]
    passes, _ = replay_passes(load_trace(trace), FLAT, methods, 2, growing=False)
    for method in methods:
        assert passes[1][method]["tasks"]["chat"] > 3 * passes[0][method]["tasks"]["chat"]
    assert passes[0]["rest"]["all"] == 1.0  # an empty datastore drafts nothing


def test_a_growing_history_learns_within_the_first_pass(tmp_path: Path) -> None:
    runs = load_trace(written(tmp_path / "t.gz", *[row([1, 2, 3], list(range(500, 560)))] * 2))
    cold, _ = replay_passes(runs, FLAT, ["rest"], 1, growing=False)
    grown, _ = replay_passes(runs, FLAT, ["rest"], 1, growing=True)
    assert cold[0]["rest"]["all"] == 1.0
    assert grown[0]["rest"]["all"] > 1.5


def test_replays_are_deterministic(trace: Path) -> None:
    runs = load_trace(trace)
    first = replay_passes(runs, FLAT, ["spectra", "anpd"], 2, growing=True)[0]
    assert replay_passes(runs, FLAT, ["spectra", "anpd"], 2, growing=True)[0] == first


GOOD = row([1, 2], [3, 4])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no recorded answers"),
        ([{"task": "x"}], "missing"),
        ([[1, 2]], "damaged or no trace"),
        ([{**GOOD, "top_ids": [[1]]}], "damaged or no trace"),
        ([{**GOOD, "generated": [3, "4"]}], "token id"),
        ([{**GOOD, "generated": [3, -1]}], "token id"),
        ([{**GOOD, "prompt": [1 << 40]}], "token id"),
        ([{**GOOD, "task": 3}], "belong together"),
        ([{**GOOD, "top_logprobs": [[1e9, 0], [0, 0]]}], "damaged or no trace"),
    ],
)
def test_a_foreign_trace_is_refused_in_one_line(tmp_path: Path, rows: list[object], says: str) -> None:
    with pytest.raises(SpectraError, match=says) as caught:
        load_trace(written(tmp_path / "t.gz", *rows))
    assert "\n" not in str(caught.value)


def test_a_cut_off_or_plain_or_absent_file_is_refused(tmp_path: Path, trace: Path) -> None:
    data = trace.read_bytes()
    cut, flipped, text = tmp_path / "cut.gz", tmp_path / "flipped.gz", tmp_path / "plain.jsonl"
    cut.write_bytes(data[: len(data) // 2])
    flipped.write_bytes(data[:40] + bytes([data[40] ^ 255]) + data[41:])
    text.write_text("{}\n")
    for path in (cut, flipped, text, tmp_path / "absent.gz", tmp_path):
        with pytest.raises(SpectraError, match=str(path)):
            load_trace(path)


def test_a_curve_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "curves.json"
    path.write_text(json.dumps({"about": "words", "gpu": {"1": 2, "4": 3}}))
    assert load_curve(path, "gpu").relative[1:] == pytest.approx([1.0, 7 / 6, 8 / 6, 1.5])
    with pytest.raises(SpectraError, match="no curve 'about'; it has gpu"):
        load_curve(path, "about")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"gpu": {}}', '{"gpu": {"2": 1}}', '{"gpu": {"1": 0}}', '{"gpu": {"1": NaN}}']
)
def test_a_damaged_curve_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "curves.json"
    path.write_text(text)
    with pytest.raises(SpectraError, match=r"curves\.json"):
        load_curve(path, "gpu")


def test_an_absurdly_wide_curve_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "curves.json"
    path.write_text(json.dumps({"gpu": {"1": 1, str(10**9): 2}}))
    with pytest.raises(SpectraError, match="absurd"):
        load_curve(path, "gpu")

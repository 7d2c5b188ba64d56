"""The bench command: replay without a model, refusals, and one tiny live run of the real one."""

import gzip
import json
from pathlib import Path

import pytest
from fakes.rounding import ROUNDING

from spectra_local.cli.main import run

pytestmark = pytest.mark.usefixtures("native_here")

CURVES = {"gpu": {"1": 1, "4": 1.25, "8": 1.9, "64": 3.6}}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    trace, curves = tmp_path / "runs.jsonl.gz", tmp_path / "curves.json"
    generated = [7, *range(100, 139)]
    row = {
        "task": "edit",
        "prompt": list(range(100, 140)),
        "generated": generated,
        "top_ids": [[token] for token in generated],
        "top_logprobs": [[-0.01]] * 40,
    }
    with gzip.open(trace, "wt") as file:
        file.write(json.dumps(row) + "\n")
    curves.write_text(json.dumps(CURVES))
    return str(trace), str(curves)


def exit_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(arguments=["bench", *arguments])
    return int(ended.value.code or 0)


def test_a_replay_prints_one_json_object_of_this_shape(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    trace, curves = files
    arguments = ("--replay", trace, "--curves", curves, "--curve", "gpu", "--rivals", "prompt_lookup,rest", "--json")
    assert exit_of(*arguments) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert list(report) == ["curve", "passes"]
    assert report["curve"] == "gpu"
    assert len(report["passes"]) == 2
    for results in report["passes"]:
        assert set(results) == {"spectra", "plain", "prompt_lookup", "rest"}
        for result in results.values():
            assert set(result) == {"all", "worst", "tasks", "tokens_per_step"}
            assert set(result["tasks"]) == {"edit"}
    assert report["passes"][0]["plain"]["all"] == 1.0
    assert report["passes"][1]["spectra"]["all"] > report["passes"][0]["spectra"]["all"] > 1.0


def test_a_replay_prints_a_table_for_people(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    trace, curves = files
    assert exit_of("--replay", trace, "--curves", curves, "--curve", "gpu", "--passes", "1", "--rivals", "all") == 0
    out = capsys.readouterr().out
    assert "pass 1, gpu" in out
    assert "pass 2" not in out
    assert "suffix_decoding" in out
    assert "drafting and learning" in out


def test_damaged_files_are_one_line_and_exit_1(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    trace, curves = files
    data = Path(trace).read_bytes()
    Path(trace).write_bytes(data[: len(data) // 2])
    assert exit_of("--replay", trace, "--curves", curves, "--curve", "gpu") == 1
    err = capsys.readouterr().err
    assert err.startswith(f"spectra-chat: {trace} ")
    assert err.count("\n") == 1
    Path(curves).write_text("{")
    assert exit_of("--replay", trace, "--curves", curves, "--curve", "gpu", "--json") == 1
    assert curves in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--replay", "T"),
        ("--replay", "T", "--curves", "C"),
        ("--curve", "gpu"),
        ("--passes", "2"),
        ("--replay", "T", "--curves", "C", "--curve", "gpu", "-n", "5"),
        ("--replay", "T", "--curves", "C", "--curve", "gpu", "--plot", "x.svg"),
        ("--replay", "T", "--curves", "C", "--curve", "gpu", "--passes", "0"),
        ("--rivals", "eagle"),
        ("--spec-types", "eagle"),
        ("--per-task", "0"),
        ("-n", "1"),
        ("--history", "some"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_cannot_be_done_is_said_before_a_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of("--prompts", str(tmp_path / "none.jsonl")) == 1
    assert "none.jsonl cannot be read" in capsys.readouterr().err
    assert exit_of("--plot", str(tmp_path / "none" / "x.svg")) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert exit_of("-m", str(tmp_path / "none.gguf")) == 1
    assert "none.gguf" in capsys.readouterr().err


@pytest.mark.model
def test_a_live_run_measures_the_real_model(
    smollm2_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, plot = tmp_path / "prompts.jsonl", tmp_path / "bench.svg"
    rows = [
        {"id": "list", "task": "chat", "turns": ["Repeat exactly: red green blue red green blue red green blue"]},
        {"id": "fill", "task": "fim", "prefix": "def f(", "suffix": "):"},
    ]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ("-m", str(smollm2_path), "--prompts", str(prompts), "-n", "8", "--ctx", "512", "--rivals", "anpd")
    assert exit_of(*common, "--repeat-pass", "--json", "--plot", str(plot)) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert "1 fill-ins skipped" in err
    assert (report["n_prompts"], len(report["passes"])) == (1, 2)
    for results in report["passes"]:
        assert list(results) == ["plain", "spectra", "anpd"]
        plain, spectra = results["plain"], results["spectra"]
        assert plain["ratio"]["mean"]["value"] == 1.0
        assert (plain["tokens_per_step"], plain["draft_n"]) == (1.0, 0)
        assert spectra["tokens_per_second"] > 0
        assert spectra["draft_n_accepted"] <= spectra["draft_n"]
        assert all(d["margin"] < ROUNDING for d in spectra["differences"])  # a near-tie, not another text
    assert report["passes"][0]["anpd"]["draft_n"] > 0
    assert plot.read_text().startswith("<svg")

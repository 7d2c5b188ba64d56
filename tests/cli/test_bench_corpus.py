"""``bench --replay --corpus``: a corpus of the real small model beside a recording made from one of its texts."""

import gzip
import json
from contextlib import closing
from pathlib import Path

import pytest

from spectra_local.cli.main import run
from spectra_local.llama.model import Model

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("native_here")]

TEXTS = {
    "boats": "The harbour master counted the boats, the ropes and the sails before the tide turned at night.\n" * 2,
    "trains": "Nine trains leave the central station every hour, and seven of them are late on cold mornings.\n" * 2,
    "bread": "Knead flour, water, salt and yeast; wait until it has doubled; bake it hot for forty minutes.\n" * 2,
    "chess": "A knight on the rim is dim, two bishops are worth a rook, and the king walks in the endgame.\n" * 2,
}


def spectra_chat(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(None, list(arguments))
    return int(ended.value.code or 0)


def test_what_is_kept_is_compared_with_all_and_with_as_much_by_lot(
    smollm2_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in TEXTS.items():
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / f"{name}.txt").write_text(text)
    with closing(Model(smollm2_path, vocabulary_only=True)) as model:
        tokens = model.tokenize(TEXTS["boats"])
    row = {
        "task": "fim",
        "prompt": tokens[:4],
        "generated": tokens[4:24],
        "top_ids": [[token] for token in tokens[4:24]],
        "top_logprobs": [[0.0]] * 20,
    }
    trace, curves = tmp_path / "trace.jsonl.gz", tmp_path / "curves.json"
    trace.write_bytes(gzip.compress(json.dumps(row).encode()))
    curves.write_text('{"flat": {"1": 1.0, "64": 1.0}}')
    of_model = ["-m", str(smollm2_path)]
    assert spectra_chat("corpus", "add", str(tmp_path / "docs"), *of_model) == 0
    capsys.readouterr()
    asked = ["bench", "--replay", str(trace), "--curves", str(curves), "--curve", "flat", "--corpus", "docs", *of_model]
    assert spectra_chat(*asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    sizes = found["tokens"]
    assert set(sizes) == {"unfiltered", "filtered", "by lot"}
    assert 0 < sizes["by lot"] <= sizes["filtered"] <= sizes["unfiltered"] / 2
    assert found["speeds"]["unfiltered"]["all"] > 1.2 * found["speeds"]["none"]["all"]

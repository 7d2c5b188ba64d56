"""One list of sources: whatever is told apart by source knows every one, and nobody keeps names of their own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import spectra_local
import tui
from spectra_local.answer_events import ShownLogprobs, piece_of, timings_of
from spectra_local.answer_text import AnswerText
from spectra_local.learning import savings_of
from spectra_local.protocol import OTHER_SOURCE, OWN, SOURCE_CODES, Source, Timings
from spectra_local.speculation import evidence, match
from spectra_local.speculation.decoder import Counts, Step
from tui import themes
from tui.figures import by_source, tried_in
from tui.tint import STYLES, shares, style_of_source

ROOMS = [Path(str(module.__file__)).parent for module in (spectra_local, tui)]


class Pieces:
    """A model of which every token is one letter."""

    def piece(self, token: int) -> bytes:
        return b"x"


@pytest.mark.parametrize("source", Source)
def test_a_source_has_a_code_a_colour_a_name_and_a_bar(source):
    text = AnswerText(())
    piece = piece_of(Step([1, 2], [source, ""], 1), text, ShownLogprobs(text), Pieces(), 1.0)  # type: ignore[arg-type]
    assert piece.sources == source.code + OWN
    assert source.code != OTHER_SOURCE
    assert STYLES[source.code] == style_of_source(source) == f"$tint-{source}"
    for theme in (themes.DARK, themes.LIGHT):
        assert f"tint-{source}" in themes.tints_for(theme)
    assert shares({source.code: 1, OWN: 1})[0].source == source
    bars = by_source(tried_in([Timings(accepted_by_source={source: 3})]), 60)
    assert source in bars.plain
    assert style_of_source(source) in {span.style for span in bars.spans}


def test_codes_are_one_character_each_and_no_two_colours_are_alike():
    codes = [*SOURCE_CODES.values(), OTHER_SOURCE]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {1}
    for theme in (themes.DARK, themes.LIGHT):
        assert len({theme.variables[f"tint-{source}"] for source in Source}) == len(Source)


def test_pointers_read_from_known_sources_and_weights_have_room_for_them():
    assert all(isinstance(source, Source) for source in match.SOURCES)
    assert len(match.SOURCES) == evidence.SOURCES
    assert {*match.SOURCES, Source.CORE, Source.CORPUS} == set(Source)
    assert match.SOURCES[match.IMPORT] is Source.IMPORT


def test_what_was_said_earlier_here_or_elsewhere_is_counted_as_foreseen():
    said = dict.fromkeys(Source, 1)
    assert savings_of(Timings(accepted_by_source=dict(said))).from_history == 2


def test_nobody_keeps_a_list_of_sources():
    for path in (path for room in ROOMS for path in room.rglob("*.py")):
        for names in _lists_of_words(ast.parse(path.read_text(encoding="utf-8"))):
            assert len(names & set(Source)) < 3, f"{path} lists sources: {names}"


def _lists_of_words(tree: ast.AST) -> Iterator[set[str]]:
    for node in ast.walk(tree):
        found = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
        yield {each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_the_time_that_drafting_took_is_no_time_saved():
    """Passes alone look twice as fast; a third of the time went into drafts, and is taken from that."""
    counts = Counts(steps=10, cost=10.0, decode_s=1.0, drafting_s=0.5, n_free=1)
    timings = timings_of(counts, 21, 1.5)
    assert timings.draft_ms == pytest.approx(500)
    assert timings.speedup_estimate == pytest.approx(20 / 15)
    assert savings_of(timings).saved_ms == pytest.approx(500)


def test_drafts_that_cost_more_than_they_bring_are_a_loss():
    timings = timings_of(Counts(steps=10, cost=10.0, decode_s=1.0, drafting_s=1.5), 15, 2.5)
    assert timings.speedup_estimate < 1
    assert savings_of(timings).saved_ms < 0

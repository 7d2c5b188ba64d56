import pytest

from spectra_local.speculation import evidence as ev
from spectra_local.speculation.calibration import Calibration
from spectra_local.speculation.candidates import merge
from spectra_local.speculation.core import NgramTable
from spectra_local.speculation.learned import Learned
from spectra_local.speculation.match import CONTEXT, HISTORY, IMPORT, Pointer
from spectra_local.speculation.recent import Recent

TEXT = list(range(200))


@pytest.mark.parametrize(
    ("length", "source", "at", "answered", "copied_to", "expected"),
    [
        (9, CONTEXT, 50, 9, 50, ev.WHOLE),
        (9, CONTEXT, 50, 30, 50, ev.ONWARD),
        (3, CONTEXT, 55, 30, 50, ev.NEAR),
        (3, CONTEXT, 120, 30, 50, ev.ELSEWHERE),
        (3, CONTEXT, 20, 30, 50, ev.ELSEWHERE),
        (3, CONTEXT, 55, 30, 0, ev.FIRST),
        (3, HISTORY, 55, 30, 50, ev.FIRST),
    ],
)
def test_a_match_is_weighed_by_where_it_reads_relative_to_what_was_copied(
    length: int, source: int, at: int, answered: int, copied_to: int, expected: int
) -> None:
    recent = Recent(answered=answered, copied_to=copied_to)
    learned = Learned(Calibration(), NgramTable())
    best = merge(learned, recent, 0, [Pointer(length, source, TEXT, at, -1)], 0, 0, 0.0)[0]
    assert best.token == TEXT[at]
    assert ev.COPY + expected * ev.COARSE + ev.COARSE_LENGTH[length] in best.kinds


def test_an_import_never_speaks_against_what_others_say() -> None:
    learned, recent = Learned(Calibration.shipped(), NgramTable()), Recent()
    own, foreign = Pointer(6, CONTEXT, TEXT, 50, 50), Pointer(9, IMPORT, TEXT, 90, -1)
    alone = merge(learned, recent, 0, [own], 0, 0, 0.0)
    both = merge(learned, recent, 0, [own, foreign], 0, 0, 0.0)
    kinds = {candidate.token: candidate.kinds for candidate in both}
    assert kinds[TEXT[50]] == alone[0].kinds
    assert TEXT[90] in kinds

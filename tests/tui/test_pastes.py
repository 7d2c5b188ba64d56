from tui.pastes import FOLDED_FROM_LINES, Pastes

LONG = "\n".join(f"line {n}" for n in range(10_000))


def test_a_long_text_is_folded_and_unfolded_to_the_byte():
    pastes = Pastes()
    mark = pastes.folded(LONG)
    assert mark == "⟦paste 1: 10,000 lines⟧"
    assert pastes.unfolded(f"before {mark} after {mark}") == f"before {LONG} after {LONG}"


def test_a_short_text_stays():
    text = "\n".join("x" * FOLDED_FROM_LINES)
    assert Pastes().folded(text) == text


def test_a_mark_that_somebody_else_wrote_is_text():
    pastes = Pastes()
    pastes.folded(LONG)
    for mark in ("⟦paste 2: 10,000 lines⟧", "⟦paste 0: 1 lines⟧", "⟦paste x⟧"):
        assert pastes.unfolded(mark) == mark
        assert pastes.mark_before(mark) == 0


def test_a_mark_inside_a_paste_is_not_unfolded_again():
    pastes = Pastes()
    mark = pastes.folded(LONG)
    outer = pastes.folded(f"{mark}\n" * 200)
    assert pastes.unfolded(outer) == f"{mark}\n" * 200

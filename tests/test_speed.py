"""Speeds as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_local.speed import speed


@pytest.mark.parametrize(
    ("per_second", "shown"),
    [(0, "0.0"), (0.004, "0.004"), (0.049, "0.05"), (0.3, "0.3"), (1.4, "1.4"), (9.94, "9.9"), (9.96, "10"),
     (38.4, "38"), (1204, "1204")],
)  # fmt: skip
def test_slow_ones_have_a_decimal(per_second: float, shown: str) -> None:
    assert speed(per_second) == shown


@given(st.floats(1e-6, 1e5))
def test_what_moves_never_reads_as_standing_still(per_second: float) -> None:
    assert float(speed(per_second)) == pytest.approx(per_second, rel=0.5)

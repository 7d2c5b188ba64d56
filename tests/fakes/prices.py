"""Prices of decoding that no machine and no load have a say in."""

import pytest

from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.measured_cost import MeasuredCost


def make_width_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every guess is worth trying."""
    cheap = CostCurve({1: 1.0, 128: 1.5})
    monkeypatch.setattr(MeasuredCost, "_refine", lambda self: None)
    monkeypatch.setattr(MeasuredCost, "reprice", lambda self, _: CostCurve.reprice(self, cheap.relative))

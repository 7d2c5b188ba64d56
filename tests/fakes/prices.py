"""Prices of decoding that no machine and no load have a say in."""

import pytest

from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.measured_cost import MeasuredCost

_A_MACHINE = CostCurve({1: 1.0, 2: 1.5, 8: 3.0, 16: 5.0, 64: 18.0, 128: 36.0})


def make_width_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every guess is worth trying."""
    cheap = CostCurve({1: 1.0, 128: 1.5})
    monkeypatch.setattr(MeasuredCost, "_refine", lambda self: None)
    monkeypatch.setattr(MeasuredCost, "reprice", lambda self, _: CostCurve.reprice(self, cheap.relative))


def make_machine_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every decode in this process is told to have taken what its width takes on one quiet machine."""

    def taken(width: int) -> float:
        return 0.01 * _A_MACHINE.relative[min(width, _A_MACHINE.max_width)]

    told, told_of_prompts = MeasuredCost.observe, MeasuredCost.observe_prefill
    monkeypatch.setattr(MeasuredCost, "observe", lambda self, w, _, n_past: told(self, w, taken(w), n_past))
    monkeypatch.setattr(MeasuredCost, "observe_prefill", lambda self, w, _: told_of_prompts(self, w, taken(w)))

import pytest

from spectra_local.speculation.cost import CostCurve


def test_costs_are_relative_to_one_token_and_linear_between_points() -> None:
    curve = CostCurve({1: 10.0, 2: 16.0, 4: 24.0})
    assert curve.relative == [0.0, 1.0, 1.6, 2.0, 2.4]
    assert curve.max_width == 4


def test_the_floor_sees_a_cheap_width_behind_a_dear_one() -> None:
    curve = CostCurve({1: 1.0, 2: 3.0, 3: 1.5})
    assert curve.floor[0] == pytest.approx(0.25)


def test_a_single_width_has_a_floor_too() -> None:
    assert CostCurve({1: 1.0}).floor == [1.0]


@pytest.mark.parametrize("points", [{}, {2: 1.0}, {1: 0.0}, {1: 1.0, 2: -1.0}, {0: 1.0, 1: 1.0}])
def test_points_without_meaning_are_refused(points: dict[int, float]) -> None:
    with pytest.raises(ValueError, match="cost curve"):
        CostCurve(points)

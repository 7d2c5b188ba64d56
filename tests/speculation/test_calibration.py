import json

import pytest

from spectra_local.speculation.calibration import Calibration


def test_what_is_shipped_loads_and_goes_through_text_and_back() -> None:
    shipped = Calibration.shipped()
    again = Calibration.loads(shipped.dumps())
    assert again.weights == pytest.approx(shipped.weights, abs=0.001)
    assert again.sure_rate == pytest.approx(shipped.sure_rate, abs=0.01)
    untaught = Calibration()
    assert sum(a != b for a, b in zip(again.weights, untaught.weights, strict=True)) > 1000
    assert sum(a != b for a, b in zip(again.sure_rate, untaught.sure_rate, strict=True)) > 100


def test_long_matches_are_trusted_more_than_short_ones_and_history_too() -> None:
    from spectra_local.speculation import evidence as ev

    rates = Calibration.shipped().sure_rate
    kind = lambda source, length: (source * 2 * ev.SURE_RATES + 2) * ev.LENGTHS + ev.LENGTH_BUCKET[length]  # noqa: E731
    assert rates[kind(0, 64)] > 0.95
    assert rates[kind(1, 256)] > 0.97


def test_trials_move_a_probability_towards_what_happens() -> None:
    calibration = Calibration()
    before = calibration.probability([3, 50])
    for _ in range(300):
        calibration.observe([3, 50], 0, False)
    assert before == 0.5
    assert calibration.probability([3, 50]) < 0.2


def test_overconfidence_is_corrected() -> None:
    calibration = Calibration()
    calibration.weights[3] = 2.0  # about 0.88
    for i in range(200):
        calibration.observe([3], 0, i % 2 == 0)
        calibration.weights[3] = 2.0
    assert calibration.ratio[0][17] == pytest.approx(0.5 / 0.88, abs=0.08)


def test_a_sure_match_that_fails_is_trusted_less() -> None:
    calibration = Calibration()
    before = calibration.sure_rate[5]
    calibration.observe_sure(5, 10, 20)
    assert calibration.sure_rate[5] < 0.68 < before


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"weights": [1]}', json.dumps({"weights": "x" * 10}), json.dumps({"weights": [None]})],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Calibration.loads(text)


def test_absurd_numbers_are_refused() -> None:
    data = json.loads(Calibration().dumps())
    data["weights"][0] = 1e300
    with pytest.raises(ValueError, match="absurd"):
        Calibration.loads(json.dumps(data))
    data["weights"][0] = float("nan")
    with pytest.raises(ValueError, match="absurd"):
        Calibration.loads(json.dumps(data))


def test_deep_nesting_is_damage_as_any_other():
    with pytest.raises(ValueError, match="not a calibration"):
        Calibration.loads("[" * 100_000)

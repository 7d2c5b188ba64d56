import pytest

from tui.meter import WINDOW_S, Meter


def test_nothing_is_said_before_there_is_something_to_measure():
    meter = Meter()
    assert (meter.rate, meter.speedup) == (0, 0)
    meter.count(1.0, 5, 2.0)
    assert (meter.rate, meter.speedup) == (0, 0)


def test_now_is_the_last_two_seconds():
    meter = Meter()
    for tenth in range(100):
        meter.count(tenth / 10, 1, 1.0)
    for tenth in range(100, 100 + round(10 * WINDOW_S) + 1):
        meter.count(tenth / 10, 4, 2.0)
    assert meter.rate == pytest.approx(40, rel=0.1)
    assert meter.speedup == pytest.approx(2.0, rel=0.05)


def test_without_a_curve_there_is_a_rate_and_no_speed_up():
    meter = Meter()
    meter.count(0.0, 1, 0.0)
    meter.count(1.0, 50, 0.0)
    assert (meter.rate, meter.speedup) == (50, 0)

import struct

from hypothesis import example, given
from hypothesis import strategies as st

from spectra_local.history.agreement import End


def agreed(text: list[int], at: int, context: list[int], *, long: bool = False) -> int:
    packed = struct.pack(f"<{len(text)}i", *text)
    return End(context).agreement(lambda start, end: packed[4 * start : 4 * end], at, long=long)


def counted(text: list[int], at: int, context: list[int]) -> int:
    n = 0
    while n < min(at, len(context)) and text[at - n - 1] == context[-n - 1]:
        n += 1
    return n


@given(
    st.lists(st.integers(-1, 2), max_size=40),
    st.lists(st.integers(0, 2), min_size=1, max_size=40),
    st.lists(st.integers(0, 1 << 21), max_size=1500),
    st.booleans(),
)
@example([-1], [5], list(range(255)), True)
@example([1], [2], list(range(256)), False)
@example([], [2], list(range(24)), False)
def test_places_agree_as_far_as_a_walk_backwards_finds(
    text: list[int], context: list[int], common: list[int], long: bool
) -> None:
    text, context = text + common, context + common
    for at in {len(text), len(text) // 2, max(0, len(text) - 1), 0}:
        assert agreed(text, at, context, long=long) == counted(text, at, context)

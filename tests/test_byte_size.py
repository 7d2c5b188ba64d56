import pytest

from spectra_local.byte_size import byte_size


@pytest.mark.parametrize(("n_bytes", "words"), [
    (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (4_190, "4.2 kB"), (9_949, "9.9 kB"),
    (9_960, "10 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (98_362_432, "98 MB"), (4_920_000_000, "4.9 GB"),
    (22_800_000_000, "23 GB"), (7e12, "7.0 TB"), (7e15, "7,000 TB"),
])  # fmt: skip
def test_a_size_is_said_in_powers_of_ten_and_never_as_a_thousand_of_a_unit(n_bytes: float, words: str):
    assert byte_size(n_bytes) == words

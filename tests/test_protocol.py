from spectra_local.protocol import OWN, Text


def test_joined_pieces_keep_a_code_for_each_character():
    joined = Text("ab", 1).joined(Text("cde", 2, "chh", 1.5)).joined(Text("f", 1, "", 1.0))
    assert joined == Text("abcdef", 4, f"{OWN * 2}chh{OWN}", 2.5)


def test_pieces_without_codes_stay_so():
    assert Text("a").joined(Text("b")) == Text("ab", 2)

"""GGUF headers from strangers: each is judged quickly, in little memory, and refused in one line."""

import random
import resource
import struct
import time

import pytest
from fakes.gguf_files import refusal, written
from fakes.gguf_writer import ARRAY, BOOL, F32, I32, STRING, U8, U32, U64, small_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra_local.errors import ModelFileError
from spectra_local.llama.gguf import read_header

HEADER = "<4sIQQ"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (struct.pack(HEADER, b"GGUF", 1, 0, 0), "version 1"),
        (struct.pack(HEADER, b"GGUF", 4, 0, 0), "version 4"),
        (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0), "big-endian"),
        (struct.pack(HEADER, b"GGUF", 3, 2**63, 0), "tensors"),
        (struct.pack(HEADER, b"GGUF", 3, 0, 2**64 - 1), "metadata keys"),
        (struct.pack(HEADER, b"GGUF", 3, 0, 1) + struct.pack("<Q", 2**62), "a name at byte 24"),
        (struct.pack(HEADER, b"GGUF", 3, 0, 1) + struct.pack("<Q", 0), "empty"),
    ],
)
def test_absurd_counts_are_refused_before_anything_is_allocated(tmp_path, content, told):
    path = tmp_path / "model.gguf"
    path.write_bytes(content + bytes(64))
    assert told in refusal(path)


@pytest.mark.parametrize("alignment", [0, 3, 8192, 2**31])
def test_a_strange_alignment_is_refused(tmp_path, alignment):
    assert "alignment" in refusal(written(tmp_path, small_model().set("general.alignment", U32, alignment)))


def test_nested_arrays_are_refused(tmp_path):
    writer = small_model().set("evil", U8, 0)
    raw = writer.to_bytes().replace(b"evil" + struct.pack("<IB", U8, 0), b"evil" + struct.pack("<IIQ", ARRAY, ARRAY, 1))
    (tmp_path / "model.gguf").write_bytes(raw)
    assert "array of arrays" in refusal(tmp_path / "model.gguf")


@pytest.mark.parametrize(
    ("element", "count"), [(STRING, 2**61), (U64, 2**61), (U8, 2**63), (77, 1), (STRING, 3_000_000)]
)
def test_an_array_longer_than_the_file_is_refused(tmp_path, element, count):
    writer = small_model().set("evil", U8, 0)
    raw = writer.to_bytes().replace(
        b"evil" + struct.pack("<IB", U8, 0), b"evil" + struct.pack("<IIQ", ARRAY, element, count)
    )
    (tmp_path / "model.gguf").write_bytes(raw)
    refusal(tmp_path / "model.gguf")


def test_duplicate_keys_are_refused(tmp_path):
    writer = small_model()
    writer.pairs.append(writer.pairs[0])
    assert '"general.architecture" occurs twice' in refusal(written(tmp_path, writer))


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (("token_embd.weight", (64,), 0, None), "occurs twice"),
        (("t", (64, 0), 0, None), "impossible shape"),
        (("t", (2**32, 2**31), 0, None), "impossible shape"),
        (("t", (2**63, 2**63, 2**63, 2**63), 0, None), "impossible shape"),
        (("t", (1, 1, 1, 1, 1), 0, None), "5 dimensions"),
        (("t", (), 0, None), "0 dimensions"),
        (("t", (64,), 4, None), "unknown type 4"),
        (("t", (100,), 12, None), "no multiple of 256"),
        (("t", (64,), 0, 0), "expected at"),
        (("t", (64,), 0, 2**64 - 32), "expected at"),
        (("x" * 64, (64,), 0, None), "a name at byte"),
    ],
)
def test_an_impossible_tensor_is_refused(tmp_path, tensor, told):
    writer = small_model()
    writer.tensors.append(tensor)
    writer.data = bytes(4096)
    assert told in refusal(written(tmp_path, writer))


def test_tensors_reaching_behind_the_file_are_refused(tmp_path):
    writer = small_model()
    writer.tensors.append(("t", (2**40,), 0, None))
    writer.data = bytes(4096)
    assert "are missing" in refusal(written(tmp_path, writer))


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("general.architecture", U32, 7),
        ("llama.context_length", STRING, "many"),
        ("llama.context_length", BOOL, True),
        ("llama.block_count", U64, 2**63),
        ("llama.block_count", U32, 513),
        ("llama.expert_count", U32, 100_000),
        ("llama.attention.head_count_kv", (ARRAY, I32), [1]),
        ("llama.attention.head_count_kv", (ARRAY, I32), [-1, -1]),
        ("llama.attention.head_count_kv", (ARRAY, STRING), ["a", "b"]),
        ("tokenizer.ggml.tokens", (ARRAY, U8), [1, 2, 3]),
        ("tokenizer.ggml.token_type", (ARRAY, I32), [1]),  # llama.cpp would read behind its end
        ("tokenizer.ggml.scores", (ARRAY, F32), [0.5]),
        ("tokenizer.ggml.add_bos_token", U32, 1),
        ("split.count", STRING, "2"),
    ],
)
def test_a_key_of_the_wrong_type_or_size_is_refused(tmp_path, key, kind, value):
    assert "cannot be used" in refusal(written(tmp_path, small_model().set(key, kind, value)))


def mutated(raw: bytes, rng: random.Random) -> bytes:
    """A few bytes, lengths or stretches changed, as a fuzzer would."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at : at + 8] = struct.pack("<Q", rng.choice([0, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, len(raw)]))
            case 2:
                del data[at : at + rng.randint(1, 64)]
            case 3:
                data[at:at] = rng.randbytes(rng.randint(1, 64))
            case 4:
                del data[at:]
        if len(data) < 8:
            break
    return bytes(data)


def test_500_mutated_headers_are_each_judged_quickly_and_in_little_memory(tmp_path):
    raw = small_model(template="{{ messages }}", control=("<|im_start|>",)).to_bytes()
    rng = random.Random(2024)
    path = tmp_path / "model.gguf"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for _ in range(500):
        path.write_bytes(mutated(raw, rng))
        start = time.process_time()
        try:
            read_header(path)
        except ModelFileError as error:
            assert str(error).isprintable()
            refused += 1
        assert time.process_time() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KB
    assert refused > 250  # the mutations do hit


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=400), n_tensors=st.integers(0, 5), n_pairs=st.integers(0, 5))
def test_arbitrary_bytes_behind_the_magic_raise_nothing_else(tmp_path, tail, n_tensors, n_pairs):
    path = tmp_path / "model.gguf"
    path.write_bytes(struct.pack(HEADER, b"GGUF", 3, n_tensors, n_pairs) + tail)
    with pytest.raises(ModelFileError):
        read_header(path)


def test_the_slowest_header_that_is_believed_takes_less_than_a_second(tmp_path):
    writer = small_model()
    strings = struct.pack("<IIQ", ARRAY, STRING, 1_900_000) + bytes(8 * 1_900_000)  # nearly the cap, all empty
    raw = writer.set("zz", U8, 0).to_bytes().replace(b"zz" + struct.pack("<IB", U8, 0), b"zz" + strings)
    path = tmp_path / "model.gguf"
    path.write_bytes(raw + bytes(4096))
    start = time.process_time()
    read_header(path)
    assert time.process_time() - start < 1

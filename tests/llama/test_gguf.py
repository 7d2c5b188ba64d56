"""GGUF headers: what a good file says, and one clear line for every bad one."""

import os
import random
import resource
import struct
import time
from pathlib import Path

import pytest
from fakes.gguf_writer import ARRAY, BOOL, F32, I32, STRING, U8, U32, U64, GgufWriter, small_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra_local.errors import ModelFileError
from spectra_local.llama.architectures import HYBRID, NOT_TEXT_GENERATION, RECURRENT, TEXT_GENERATION
from spectra_local.llama.gguf import MAX_TEMPLATE_BYTES, read_header

VOCABULARIES = Path(os.environ.get("LLAMA_CPP_SOURCE", "/nonexistent")) / "models"


def refusal(path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    message = str(caught.value)
    assert message.isprintable(), message
    assert len(message) < 600
    return message


def written(tmp_path, writer: GgufWriter) -> Path:
    return writer.write(tmp_path / "model.gguf")


# What a good file says


def test_a_header_tells_the_models_dimensions(tmp_path):
    header = read_header(written(tmp_path, small_model()))
    assert (header.version, header.architecture, header.name, header.quantisation) == (
        3,
        "llama",
        "Tiny Test",
        "Q4_K_M",
    )
    assert (header.n_tensors, header.n_params, header.tensor_bytes) == (2, 64 * 7, 4 * 64 * 7)
    assert (header.context_length, header.embedding_length, header.block_count) == (512, 64, 2)
    assert (header.head_count, header.head_count_kv) == ((4, 4), (2, 2))
    assert header.feed_forward_length == (128, 128)
    assert (header.key_length, header.value_length) == (16, 16)
    assert header.kv_elements_per_token == 2 * 2 * 32
    assert header.file_size == header.path.stat().st_size
    assert header.parts == (header.path,)


def test_a_header_tells_the_vocabulary(tmp_path):
    writer = small_model(template="{{ bos_token }}", control=("<|im_end|>", "<|fim_prefix|>"))
    writer.set("tokenizer.ggml.fim_pre_token_id", U32, 7)
    header = read_header(written(tmp_path, writer))
    assert (header.vocab_size, header.tokenizer_model, header.tokenizer_pre) == (8, "gpt2", "default")
    assert header.token_ids == {"bos": 1, "eos": 2, "fim_pre": 7}
    assert header.token_texts == {"bos": "<s>", "eos": "</s>", "fim_pre": "<|fim_prefix|>"}
    assert header.control_tokens == {"<s>", "</s>", "<|im_end|>", "<|fim_prefix|>"}
    assert header.add_bos is True
    assert header.chat_template == "{{ bos_token }}"


def test_what_the_file_does_not_say_is_empty(tmp_path):
    writer = small_model()
    for key in ("general.name", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.token_type", "general.file_type"):
        writer.without(key)
    header = read_header(written(tmp_path, writer))
    assert (header.name, header.add_bos, header.control_tokens, header.chat_template) == (
        "model",
        None,
        frozenset(),
        "",
    )
    assert header.quantisation == "F32"  # the type of most of the weights


def test_counts_may_differ_by_layer(tmp_path):
    writer = small_model().set("llama.attention.head_count_kv", (ARRAY, I32), [2, 0])
    assert read_header(written(tmp_path, writer)).head_count_kv == (2, 0)


def test_special_tokens_outside_the_vocabulary_are_left_out(tmp_path):
    writer = small_model().set("tokenizer.ggml.bos_token_id", U32, 6)
    assert "bos" not in read_header(written(tmp_path, writer)).token_ids


def test_older_names_of_fill_in_tokens_are_understood(tmp_path):
    writer = small_model().set("tokenizer.ggml.middle_token_id", U32, 4)
    assert read_header(written(tmp_path, writer)).token_ids["fim_mid"] == 4


def test_texts_are_found_in_any_block_of_a_large_vocabulary(tmp_path):
    tokens = [f"t{n}" for n in range(10_000)]
    special = {0, 1, 4095, 4096, 8191, 8192, 9999}
    writer = small_model()
    writer.set("tokenizer.ggml.tokens", (ARRAY, STRING), tokens)
    writer.set("tokenizer.ggml.token_type", (ARRAY, I32), [3 if n in special else 1 for n in range(10_000)])
    header = read_header(written(tmp_path, writer))
    assert header.control_tokens == {f"t{n}" for n in special}


def test_user_defined_tokens_are_told_apart_from_control_tokens(tmp_path):
    writer = small_model().set("tokenizer.ggml.token_type", (ARRAY, I32), [2, 3, 3, 1, 4, 4])
    header = read_header(written(tmp_path, writer))
    assert (header.control_tokens, header.user_tokens) == ({"<s>", "</s>"}, {"b", "ab"})


def test_a_very_long_template_is_cut_off_recognisably(tmp_path):
    header = read_header(written(tmp_path, small_model(template="x" * 1_000_000)))
    assert len(header.chat_template) == MAX_TEMPLATE_BYTES + 1


def test_version_2_is_read(tmp_path):
    writer = small_model()
    writer.version = 2
    assert read_header(written(tmp_path, writer)).version == 2


# The fingerprint


def test_models_of_one_family_share_the_fingerprint(tmp_path):
    one = small_model(name="One 1B", template="{{ a }}").write(tmp_path / "one.gguf")
    other = small_model(name="Other 3B").set("llama.block_count", U32, 1).without("tokenizer.ggml.add_bos_token")
    assert (
        read_header(one).tokenizer_fingerprint
        == read_header(other.write(tmp_path / "other.gguf")).tokenizer_fingerprint
    )


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("tokenizer.ggml.tokens", (ARRAY, STRING), ["<unk>", "<s>", "</s>", "a", "b", "ba"]),
        ("tokenizer.ggml.tokens", (ARRAY, STRING), ["<unk>", "<s>", "</s>", "a", "ba", "b"]),
        ("tokenizer.ggml.token_type", (ARRAY, I32), [2, 3, 3, 1, 1, 4]),
        ("tokenizer.ggml.merges", (ARRAY, STRING), ["b a"]),
        ("tokenizer.ggml.scores", (ARRAY, F32), [0.0] * 6),
        ("tokenizer.ggml.pre", STRING, "qwen2"),
        ("tokenizer.ggml.model", STRING, "llama"),
    ],
)
def test_another_vocabulary_has_another_fingerprint(tmp_path, key, kind, value):
    one = small_model().write(tmp_path / "one.gguf")
    other = small_model().set(key, kind, value).write(tmp_path / "other.gguf")
    assert read_header(one).tokenizer_fingerprint != read_header(other).tokenizer_fingerprint


# Files that are no models


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (b"Dear diary,\n", "a text file"),
        (b"PK\x03\x04" + bytes(60), "PyTorch"),
        (b"\x80\x02}q\x00", "PyTorch"),
        (struct.pack("<Q", 20) + b'{"__metadata__":{}  }', "safetensors"),
        (b"tjgg" + bytes(60), "old GGML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (bytes(range(256)), "another kind"),
        (b"GG", "a text file"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path, content, told):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert told in refusal(path)


def test_no_such_file_a_folder_a_pipe_and_a_nul(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "does not exist" in refusal(tmp_path / "nothing.gguf")
    assert "is a folder" in refusal(tmp_path)
    assert "not a regular file" in refusal(tmp_path / "pipe")
    assert "not a path" in refusal("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    path = written(tmp_path, small_model())
    path.chmod(0)
    assert "may not be read" in refusal(path)


def test_escape_sequences_in_a_path_are_shown_not_obeyed(tmp_path):
    assert "\x1b" not in refusal(tmp_path / "\x1b[2J.gguf")


def test_a_file_cut_short_says_how_many_bytes_are_missing(tmp_path):
    path = written(tmp_path, small_model())
    whole = path.stat().st_size
    os.truncate(path, whole - 1000)
    assert "1,000 are missing" in refusal(path)


def test_a_header_cut_short_anywhere_is_refused(tmp_path):
    whole = small_model().to_bytes()
    path = tmp_path / "model.gguf"
    for size in range(4, len(whole), 7):
        path.write_bytes(whole[:size])
        assert "is cut short" in refusal(path)


# Models that cannot be used


def test_an_unknown_architecture_is_named(tmp_path):
    assert '"llama9"' in refusal(written(tmp_path, small_model().set("general.architecture", STRING, "llama9")))


@pytest.mark.parametrize(("architecture", "what"), [("bert", "an embedding model"), ("clip", "encoder"), ("t5", "")])
def test_a_model_of_another_purpose_says_what_it_is(tmp_path, architecture, what):
    message = refusal(written(tmp_path, small_model().set("general.architecture", STRING, architecture)))
    assert "not a text generation model" in message
    assert what in message


@pytest.mark.parametrize("kind", ["mmproj", "adapter", "imatrix"])
def test_a_projector_or_adapter_is_no_model(tmp_path, kind):
    message = refusal(written(tmp_path, small_model().set("general.type", STRING, kind)))
    assert "not a text generation model" in message
    assert kind in message


def test_a_vocabulary_alone_is_accepted_only_where_asked(tmp_path):
    writer = small_model()
    writer.tensors = []
    path = written(tmp_path, writer)
    assert "no weights" in refusal(path)
    assert read_header(path, weights=False).vocab_size == 6


@pytest.mark.parametrize(
    "key", ["llama.context_length", "llama.embedding_length", "llama.block_count", "tokenizer.ggml.tokens"]
)
def test_a_model_without_its_dimensions_or_vocabulary_is_refused(tmp_path, key):
    writer = small_model().without(key)
    if key == "tokenizer.ggml.tokens":
        writer.without("tokenizer.ggml.token_type")
    assert "it has no" in refusal(written(tmp_path, writer))


# Split models


def split_model(tmp_path, count=3):
    paths = []
    for number in range(count):
        part = small_model().set("split.count", U32, count).set("split.no", U32, number)
        part.tensors = [(f"blk.{number}.weight", (64, 2), 0, None)]
        paths.append(part.write(tmp_path / f"big-{number + 1:05d}-of-{count:05d}.gguf"))
    return paths


def test_all_parts_of_a_split_model_are_counted(tmp_path):
    paths = split_model(tmp_path)
    header = read_header(paths[0])
    assert header.parts == tuple(paths)
    assert header.file_size == sum(path.stat().st_size for path in paths)
    assert (header.n_tensors, header.n_params) == (3, 3 * 128)


def test_a_missing_part_is_named(tmp_path):
    paths = split_model(tmp_path)
    paths[1].unlink()
    assert "big-00002-of-00003.gguf" in refusal(paths[0])


def test_a_later_part_names_the_first(tmp_path):
    assert 'open "big-00001-of-00003.gguf"' in refusal(split_model(tmp_path)[1])


def test_a_truncated_part_is_refused(tmp_path):
    paths = split_model(tmp_path)
    os.truncate(paths[2], paths[2].stat().st_size - 10)
    message = refusal(paths[0])
    assert "big-00003-of-00003.gguf is cut short" in message
    assert "10 are missing" in message


def test_parts_of_different_models_are_refused(tmp_path):
    paths = split_model(tmp_path)
    paths[1].write_bytes(paths[2].read_bytes())
    assert "belongs to another model" in refusal(paths[0])


def test_a_renamed_part_is_refused(tmp_path):
    path = split_model(tmp_path)[0].rename(tmp_path / "big.gguf")
    assert "-00001-of-00003.gguf" in refusal(path)


# Hostile headers

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


# Real files


def test_the_tables_do_not_contradict_each_other():
    assert not TEXT_GENERATION & NOT_TEXT_GENERATION.keys()
    assert RECURRENT | HYBRID <= TEXT_GENERATION


@pytest.mark.model
def test_smollm2(smollm2_path):
    header = read_header(smollm2_path)
    assert (header.architecture, header.quantisation, header.n_params) == ("llama", "Q4_1", 134_515_008)
    assert (header.context_length, header.vocab_size, header.n_tensors) == (8192, 49152, 272)
    assert header.head_count_kv == (3,) * 30
    assert header.kv_elements_per_token * 2 == 23_040  # bytes: the 23 KB a token that llama.cpp's state files take
    assert header.token_texts["eos"] == "<|im_end|>"
    assert {"<|im_start|>", "<|im_end|>", "<|endoftext|>"} <= header.control_tokens
    assert header.add_bos is False
    assert "SmolLM" in header.chat_template


@pytest.mark.skipif(not VOCABULARIES.is_dir(), reason="LLAMA_CPP_SOURCE names no llama.cpp source tree")
def test_llama_cpps_vocabularies():
    """With the llama-cpp-python source distribution's vendor/llama.cpp: real tokenizers of 17 families."""
    fingerprints = []
    for path in sorted(VOCABULARIES.glob("*.gguf")):
        if "bert" in path.name:
            with pytest.raises(ModelFileError, match="an embedding model"):
                read_header(path, weights=False)
            continue
        header = read_header(path, weights=False)
        assert header.vocab_size > 30_000
        assert header.token_texts["bos"]
        fingerprints.append(header.tokenizer_fingerprint)
    assert len(fingerprints) >= 15
    assert len(set(fingerprints)) == len(fingerprints)

"""GGUF headers: what a good file says, and one clear line for every bad one."""

import os
import struct
from pathlib import Path

import pytest
from fakes.gguf_files import refusal, written
from fakes.gguf_writer import ARRAY, F32, I32, STRING, U32, small_model

from spectra_local.errors import ModelFileError
from spectra_local.llama.architectures import HYBRID, NOT_TEXT_GENERATION, RECURRENT, TEXT_GENERATION
from spectra_local.llama.gguf import MAX_TEMPLATE_BYTES, read_header

VOCABULARIES = Path(os.environ.get("LLAMA_CPP_SOURCE", "/nonexistent")) / "models"


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

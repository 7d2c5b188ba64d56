"""What a GGUF file says about its model, read and checked in Python before native code opens the file.

Knows neither llama_cpp nor numpy. Native loaders abort the process on files made to hurt (CVE-2024-21802,
CVE-2024-23605, CVE-2025-53630); here every such file is a ModelFileError with one line.
"""

import re
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spectra_local.llama.architectures import NOT_TEXT_GENERATION, POOLED, TEXT_GENERATION
from spectra_local.llama.ggml_types import FILE_TYPES, TENSOR_TYPES
from spectra_local.llama.gguf_file import file_error, read_layout
from spectra_local.llama.gguf_layout import Array, Layout, MalformedError, quoted

# Of a chat template's text: the largest of the 68 that llama.cpp collects has 17 KB.
MAX_TEMPLATE_BYTES = 64 << 10
_MAX_TEXT_BYTES = 1024  # of a name or a token

# llama.cpp's arrays are as long as this (llama-hparams.h); beyond, it asserts.
_MAX_LAYERS = 512
_MAX_EXPERTS = 1024
_UINT32_MAX = 2**32 - 1

_ARRAY_KINDS = {"tokens": (8,), "merges": (8,), "scores": (6,), "token_type": (4, 5)}  # string; f32; u32, i32
# Everything in which two tokenizers can number a text's tokens differently.
_FINGERPRINTED = ("model", "pre", "tokens", "token_type", "merges", "scores")
_SPECIAL_TOKENS = {
    "bos": ("bos_token_id",),
    "eos": ("eos_token_id",),
    "eot": ("eot_token_id",),
    "eom": ("eom_token_id",),
    "unk": ("unknown_token_id",),
    "pad": ("padding_token_id",),
    "fim_pre": ("fim_pre_token_id", "prefix_token_id"),  # the second name is an older converter's (CodeLlama)
    "fim_suf": ("fim_suf_token_id", "suffix_token_id"),
    "fim_mid": ("fim_mid_token_id", "middle_token_id"),
    "fim_pad": ("fim_pad_token_id",),
    "fim_rep": ("fim_rep_token_id",),
    "fim_sep": ("fim_sep_token_id",),
}
_CONTROL, _USER_DEFINED = 3, 4
_MAX_SPECIAL_TOKENS = 65_536  # Llama 4 and Mistral have some 1,000
_PART_NAME = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """A model file's own description of itself. Texts come from the file: show them through ``printable``.

    Counts that may differ by layer are tuples with one entry a layer. A count that the file does not name is 0.
    """

    path: Path
    parts: tuple[Path, ...]  # all files of a split model, else just ``path``
    version: int
    architecture: str
    _: KW_ONLY
    name: str
    quantisation: str  # e.g. "Q4_K_M", or the type of most of the weights
    n_params: int
    n_tensors: int
    file_size: int  # bytes, all parts
    tensor_bytes: int  # bytes, all parts
    context_length: int
    embedding_length: int
    block_count: int  # layers
    head_count: tuple[int, ...]
    head_count_kv: tuple[int, ...]
    key_length: int  # elements of one head's key
    value_length: int
    feed_forward_length: tuple[int, ...]
    expert_count: int
    expert_used_count: int
    sliding_window: int  # tokens, 0: none
    vocab_size: int
    tokenizer_model: str
    tokenizer_pre: str
    tokenizer_fingerprint: str  # hex; equal for files that number their tokens alike
    add_bos: bool | None  # None: the file does not say
    chat_template: str  # "" where there is none; cut off just above MAX_TEMPLATE_BYTES
    token_ids: Mapping[str, int] = field(default_factory=dict)  # "bos", "eos", "fim_pre", ...: those the file names
    token_texts: Mapping[str, str] = field(default_factory=dict)  # the texts of the same tokens
    control_tokens: frozenset[str] = frozenset()  # texts of all tokens that act instead of being read
    user_tokens: frozenset[str] = frozenset()  # texts of type USER_DEFINED: llama.cpp finds them in plain text too

    @property
    def kv_elements_per_token(self) -> int:
        """Numbers the KV cache holds for one token over all layers: 2 bytes each as F16."""
        return sum(self.head_count_kv) * (self.key_length + self.value_length)


def read_header(path: str | Path, *, weights: bool = True) -> GgufHeader:
    """Reads and checks the header of the model at ``path``, and of each further part of a split model.

    ``weights=False`` also accepts a file that holds just a vocabulary. Raises ModelFileError.
    """
    path = Path(path)
    layout, size = read_layout(path)
    try:
        facts = _Facts(layout)
        architecture = _checked_architecture(facts)
        parts = _part_paths(path, facts)
        further = [_read_part(part, number, len(parts)) for number, part in enumerate(parts[1:], start=1)]
        layouts = [layout, *(each for each, _ in further)]
        if weights and not any(each.tensors for each in layouts):
            raise MalformedError("it holds a vocabulary but no weights")
        return GgufHeader(
            path=path,
            parts=parts,
            version=layout.version,
            architecture=architecture,
            name=facts.text("general.name") or path.stem,
            file_size=size + sum(each for _, each in further),
            **_weights(facts, layouts),
            **_shape(facts, architecture, required=weights),
            **_tokenizer(facts, required=weights),
        )
    except MalformedError as error:
        raise file_error(path, f"cannot be used: {error}") from None


class _Facts:
    """Typed access to a layout's keys. A key of another type than expected raises MalformedError."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def text(self, key: str, limit: int = _MAX_TEXT_BYTES) -> str:
        value = self.layout.pairs.get(key.encode(), b"")
        if not isinstance(value, bytes):
            raise _wrong_type(key)
        return value[:limit].decode(errors="replace")

    def flag(self, key: str) -> bool | None:
        value = self.layout.pairs.get(key.encode())
        if value is not None and not isinstance(value, bool):
            raise _wrong_type(key)
        return value

    def count(self, key: str, default: int = 0) -> int:
        return _checked_count(key, self.layout.pairs.get(key.encode(), default))

    def counts(self, key: str, n_layers: int, default: Sequence[int] = ()) -> tuple[int, ...]:
        """One count a layer: the file has an array of them, or one that holds for all."""
        value = self.layout.pairs.get(key.encode())
        if value is None:
            return tuple(default)
        if not isinstance(value, Array):
            return (_checked_count(key, value),) * n_layers
        if value.count < n_layers:
            raise MalformedError(f"{quoted(key.encode())} has {value.count} entries for {n_layers} layers")
        return tuple(_checked_count(key, each) for each in self.layout.numbers(value)[:n_layers])

    def array(self, key: str, kinds: tuple[int, ...]) -> Array | None:
        value = self.layout.pairs.get(key.encode())
        if value is not None and not (isinstance(value, Array) and value.kind in kinds):
            raise _wrong_type(key)
        return value


def _wrong_type(key: str) -> MalformedError:
    return MalformedError(f"its key {quoted(key.encode())} has a value of the wrong type")


def _checked_count(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(key)
    if not 0 <= value <= _UINT32_MAX:
        raise MalformedError(f"its key {quoted(key.encode())} has an impossible value")
    return value


def _checked_architecture(facts: _Facts) -> str:
    kind = facts.text("general.type")
    if kind not in ("", "model"):
        raise MalformedError(f"it is not a text generation model but of the type {quoted(kind.encode())}")
    architecture = facts.text("general.architecture")
    if not architecture:
        raise MalformedError("it names no architecture")
    if architecture in NOT_TEXT_GENERATION:
        what = NOT_TEXT_GENERATION[architecture]
        raise MalformedError(f"it is not a text generation model but {what} ({architecture})")
    if pooled := POOLED.get(facts.count(f"{architecture}.pooling_type")):
        raise MalformedError(f"it is not a text generation model but {pooled} ({architecture} with pooling)")
    if architecture not in TEXT_GENERATION:
        raise MalformedError(f"its architecture {quoted(architecture.encode())} is unknown to this llama.cpp")
    return architecture


def _part_paths(path: Path, facts: _Facts) -> tuple[Path, ...]:
    """The files of a split model, by llama.cpp's naming: NAME-00001-of-00003.gguf."""
    count = facts.count("split.count")
    if count <= 1:
        return (path,)
    match = _PART_NAME.fullmatch(path.name)
    if match is None or int(match["count"]) != count:
        raise MalformedError(f"it is one of {count} parts; its name must end in -00001-of-{count:05d}.gguf")
    paths = tuple(path.with_name(f"{match['stem']}-{number:05d}-of-{count:05d}.gguf") for number in range(1, count + 1))
    if facts.count("split.no") != 0:
        raise MalformedError(f"it is not the first of {count} parts; open {quoted(paths[0].name.encode())}")
    for part in paths:
        if not part.exists():
            raise MalformedError(f"it has {count} parts and {quoted(part.name.encode())} is missing")
    return paths


def _read_part(path: Path, number: int, count: int) -> tuple[Layout, int]:
    layout, size = read_layout(path)
    facts = _Facts(layout)
    if facts.count("split.no") != number or facts.count("split.count") != count:
        raise MalformedError(f"its part {quoted(path.name.encode())} belongs to another model")
    return layout, size


def _weights(facts: _Facts, layouts: Sequence[Layout]) -> dict[str, Any]:
    tensors = [tensor for layout in layouts for tensor in layout.tensors]
    elements: Counter[int] = Counter()
    for tensor in tensors:
        elements[tensor.type_id] += tensor.n_elements
    commonest = TENSOR_TYPES[elements.most_common(1)[0][0]].name if elements else ""
    return {
        "n_tensors": len(tensors),
        "n_params": elements.total(),
        "tensor_bytes": sum(tensor.n_bytes for tensor in tensors),
        "quantisation": FILE_TYPES.get(facts.count("general.file_type", _UINT32_MAX), commonest),
    }


def _shape(facts: _Facts, architecture: str, *, required: bool) -> dict[str, Any]:
    """The model's dimensions, under llama.cpp's key names."""
    layers = facts.count(f"{architecture}.block_count")
    experts = facts.count(f"{architecture}.expert_count")
    if layers > _MAX_LAYERS or experts > _MAX_EXPERTS:
        raise MalformedError(f"it claims {layers} layers and {experts} experts, more than llama.cpp can hold")
    heads = facts.counts(f"{architecture}.attention.head_count", layers)
    embedding = facts.count(f"{architecture}.embedding_length")
    head_size = embedding // max(heads, default=0) if any(heads) else 0
    shape = {
        "context_length": facts.count(f"{architecture}.context_length"),
        "embedding_length": embedding,
        "block_count": layers,
    }
    if required and not all(shape.values()):
        missing = next(key for key, value in shape.items() if not value)
        raise MalformedError(f"it has no {architecture}.{missing}")
    return shape | {
        "head_count": heads,
        "head_count_kv": facts.counts(f"{architecture}.attention.head_count_kv", layers, default=heads),
        "key_length": facts.count(f"{architecture}.attention.key_length", head_size),
        "value_length": facts.count(f"{architecture}.attention.value_length", head_size),
        "feed_forward_length": facts.counts(f"{architecture}.feed_forward_length", layers),
        "expert_count": experts,
        "expert_used_count": max(facts.counts(f"{architecture}.expert_used_count", 1), default=0),
        "sliding_window": facts.count(f"{architecture}.attention.sliding_window"),
    }


def _tokenizer(facts: _Facts, *, required: bool) -> dict[str, Any]:
    arrays = {name: facts.array(f"tokenizer.ggml.{name}", kinds) for name, kinds in _ARRAY_KINDS.items()}
    tokens = arrays["tokens"]
    if required and not (tokens and tokens.count):
        raise MalformedError("it has no vocabulary")
    size = tokens.count if tokens else 0
    for name in ("scores", "token_type"):  # llama.cpp indexes both by token, without looking at their length
        entries = arrays[name]
        if entries and entries.count != size:
            raise MalformedError(f"it has {entries.count} entries in tokenizer.ggml.{name} for {size} tokens")
    ids = _special_tokens(facts, size)
    control_ids, user_ids = _typed_ids(facts.layout, arrays["token_type"])
    texts = _token_texts(facts.layout, tokens, {*ids.values(), *control_ids, *user_ids})
    return {
        "vocab_size": size,
        "tokenizer_model": facts.text("tokenizer.ggml.model"),
        "tokenizer_pre": facts.text("tokenizer.ggml.pre"),
        "tokenizer_fingerprint": _fingerprint(facts.layout),
        "add_bos": facts.flag("tokenizer.ggml.add_bos_token"),
        "chat_template": facts.text("tokenizer.chat_template", MAX_TEMPLATE_BYTES + 1),
        "token_ids": ids,
        "token_texts": {name: texts[number] for name, number in ids.items()},
        "control_tokens": frozenset(texts[number] for number in control_ids),
        "user_tokens": frozenset(texts[number] for number in user_ids),
    }


def _special_tokens(facts: _Facts, vocab_size: int) -> dict[str, int]:
    """Those the file names; an id outside the vocabulary is left out, as llama.cpp does."""
    ids: dict[str, int] = {}
    for name, keys in _SPECIAL_TOKENS.items():
        for key in keys:
            number = facts.count(f"tokenizer.ggml.{key}", vocab_size)
            if number < vocab_size:
                ids.setdefault(name, number)
    return ids


def _typed_ids(layout: Layout, types: Array | None) -> tuple[list[int], list[int]]:
    """The tokens of the types CONTROL and USER_DEFINED, as ``llama_token_type`` numbers them."""
    numbers = array("i", layout.data[types.start : types.stop] if types else b"")
    if sys.byteorder == "big":
        numbers.byteswap()
    if numbers.count(_CONTROL) + numbers.count(_USER_DEFINED) > _MAX_SPECIAL_TOKENS:
        raise MalformedError(f"it claims more than {_MAX_SPECIAL_TOKENS} special tokens")
    special = [(number, kind) for number, kind in enumerate(numbers) if kind in (_CONTROL, _USER_DEFINED)]
    return (
        [number for number, kind in special if kind == _CONTROL],
        [number for number, kind in special if kind == _USER_DEFINED],
    )


def _token_texts(layout: Layout, tokens: Array | None, numbers: set[int]) -> dict[int, str]:
    if tokens is None:
        return {}
    ascending = sorted(numbers)
    texts = (each[:_MAX_TEXT_BYTES].decode(errors="replace") for each in layout.strings_at(tokens, ascending))
    return dict(zip(ascending, texts, strict=True))


def _fingerprint(layout: Layout) -> str:
    digest = blake2b(digest_size=16)
    view = memoryview(layout.data)
    for name in _FINGERPRINTED:
        value = layout.pairs.get(b"tokenizer.ggml." + name.encode(), b"")
        piece = view[value.start : value.stop] if isinstance(value, Array) else memoryview(repr(value).encode())
        digest.update(f"{name}:{len(piece)}:".encode())  # no boundary can be shifted
        digest.update(piece)
    return digest.hexdigest()

"""One loaded model: its weights, its vocabulary, text to token ids and back. Knows nothing of conversations."""

import ctypes
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from spectra_local.byte_size import byte_size
from spectra_local.errors import ModelFileError, ModelTooLargeError
from spectra_local.llama import native
from spectra_local.llama.gguf import GgufHeader, read_header
from spectra_local.llama.memory import available_bytes
from spectra_local.llama.native import lib
from spectra_local.printable import printable_line

_NO_DEVICES = (ctypes.c_void_p * 1)()  # a list that ends at once: the CPU alone
# Buffers of a small context, the vocabulary and Python itself: what SmolLM2-135M takes beside weights and KV cache.
_OVERHEAD_BYTES = 150_000_000


class Model:
    """Weights and vocabulary, in native memory until ``close``."""

    def __init__(
        self,
        path: Path,
        *,
        n_gpu_layers: int = -1,
        exact: bool = False,
        vocabulary_only: bool = False,
        from_disk: bool = False,
        on_progress: Callable[[float], bool] = lambda fraction: True,
    ) -> None:
        """Checks the header, then loads; ``on_progress`` gets fractions in 0..1 and may return False to stop.
        With ``vocabulary_only`` no weights are read: the model tokenises, and can do nothing else. With ``from_disk``
        the file is mapped and read as it is needed, however little memory is free.

        Raises ModelFileError, ModelTooLargeError.
        """
        if exact:
            native.prepare_exact()
        native.start()
        self.path = path
        self.header: GgufHeader = read_header(path, weights=not vocabulary_only)
        self.on_gpu = native.can_offload() and n_gpu_layers != 0
        if not vocabulary_only and not from_disk:
            self._refuse_without_memory()
        params = lib.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        params.vocab_only = vocabulary_only
        # Repacked weights round differently at different batch widths.
        params.use_extra_bufts = native.step().repacked and not exact and not from_disk  # copies in memory
        if native.step().cautious:
            params.devices = ctypes.cast(_NO_DEVICES, ctypes.c_void_p)
            params.load_mode = lib.LLAMA_LOAD_MODE_NONE  # a file that cannot be read is an error, not a SIGBUS
        callback = lib.llama_progress_callback(lambda fraction, _: on_progress(fraction))
        params.progress_callback = callback
        self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelFileError(
                f"{printable_line(str(path))}: llama.cpp could not load this model. "
                "The log says why (its path: spectra-chat doctor)."
            )
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab: int = lib.llama_vocab_n_tokens(self._vocab)
        self.n_ctx_train: int = lib.llama_model_n_ctx_train(self._model)
        self.can_roll_back = not (lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        self.bos: int = lib.llama_vocab_bos(self._vocab)
        self.add_bos: bool = lib.llama_vocab_get_add_bos(self._vocab)
        self._pieces: dict[int, bytes] = {}
        self._eog: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(256)
        self._fim = frozenset(self.fim_tokens().values())

    def _refuse_without_memory(self) -> None:
        free = available_bytes()
        needed = self.header.file_size + _OVERHEAD_BYTES
        if free is not None and needed > free and not self.on_gpu:
            raise ModelTooLargeError(
                f"{printable_line(self.path.name)} needs about {byte_size(needed)} of memory and {byte_size(free)} are "
                "free. Close other programs, choose a smaller model (spectra-chat models list), or let --from-disk "
                "run it slowly."
            )

    @property
    def handle(self) -> int:
        """The native model, for the rooms beside this one."""
        assert self._model, "the model was closed"
        return int(self._model)

    @property
    def logits_share(self) -> float:
        """Of a pass's work, what the logits take where those of all its tokens are wanted; a prompt needs one row."""
        return min(0.5, self.n_vocab * self.header.embedding_length / max(1, self.header.n_params))

    @property
    def n_params(self) -> int:
        """Number of weights."""
        return int(lib.llama_model_n_params(self._model))

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors."""
        return int(lib.llama_model_size(self._model))

    @property
    def identity(self) -> str:
        """Tells these weights from all others: what was measured with one model does not hold for another."""
        header = self.header
        return f"{header.tokenizer_fingerprint} {header.quantisation} {header.n_params} {header.tensor_bytes}"

    def fim_tokens(self) -> dict[str, int]:
        """Fill-in-the-middle control tokens that the vocabulary has, of pre, suf, mid, pad, rep and sep."""
        ids = {name: getattr(lib, f"llama_vocab_fim_{name}")(self._vocab) for name in _FIM}
        found = {name: token for name, token in ids.items() if token >= 0}
        known = self.header.control_tokens | self.header.user_tokens
        for name, texts in _FURTHER_FIM.items():
            for text in texts:
                if name not in found and text in known and len(ids_of := self.tokenize(text, special=True)) == 1:
                    found[name] = ids_of[0]
        return found

    def tokenize(self, text: str, *, special: bool = False, add_bos: bool = False) -> list[int]:
        """Token ids of ``text``; with ``special``, names of control tokens in it become those tokens."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 2  # no vocabulary needs more tokens than bytes, plus BOS and EOS
        ids = (lib.llama_token * room)()
        n = lib.llama_tokenize(self._vocab, data, len(data), ids, room, add_bos, special)
        if n < 0:
            ids = (lib.llama_token * -n)()
            n = lib.llama_tokenize(self._vocab, data, len(data), ids, -n, add_bos, special)
        return list(ids[:n])

    def is_special(self, token: int) -> bool:
        """Whether ``token`` is found by its name instead of being merged from characters."""
        return bool(self._attributes(token) & _SPECIAL)

    def swallows_space(self, token: int) -> tuple[bool, bool]:
        """Whether ``token`` takes the space before it away, and that behind it, as Phi-3's markers do."""
        attributes = self._attributes(token)
        return bool(attributes & lib.LLAMA_TOKEN_ATTR_LSTRIP), bool(attributes & lib.LLAMA_TOKEN_ATTR_RSTRIP)

    def _attributes(self, token: int) -> int:
        return int(lib.llama_vocab_get_attr(self._vocab, token))

    def piece(self, token: int) -> bytes:
        """The bytes that ``token`` stands for; b"" for control tokens. One token may be part of a character."""
        piece = self._pieces.get(token)
        if piece is None:
            n = lib.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, False)
            if n < 0:
                self._buffer = ctypes.create_string_buffer(-n)
                n = lib.llama_token_to_piece(self._vocab, token, self._buffer, -n, 0, False)
            piece = self._pieces[token] = self._buffer.raw[: max(0, n)]
        return piece

    def named_piece(self, token: int) -> bytes:
        """As ``piece``, with the name of a control token."""
        if piece := self.piece(token):
            return piece
        n = -lib.llama_token_to_piece(self._vocab, token, None, 0, 0, True)
        if n <= 0:
            return b""
        buffer = ctypes.create_string_buffer(n)
        lib.llama_token_to_piece(self._vocab, token, buffer, n, 0, True)
        return buffer.raw

    def control_token(self, text: str) -> int | None:
        """The token that ``text`` is the name of, which stands for no text itself; None where there is none."""
        ids = self.tokenize(text, special=True) if text else []
        return (
            ids[0] if len(ids) == 1 and not self.piece(ids[0]) and self.named_piece(ids[0]) == text.encode() else None
        )

    def text(self, tokens: Iterable[int]) -> str:
        """The text of ``tokens``; incomplete characters become U+FFFD."""
        return b"".join(map(self.piece, tokens)).decode("utf-8", "replace")

    def ends_generation(self, token: int) -> bool:
        """Whether ``token`` ends an answer: end of text or turn, or a fill-in token, which begins something else."""
        known = self._eog.get(token)
        if known is None:
            known = bool(lib.llama_vocab_is_eog(self._vocab, token)) or token in self._fim
            self._eog[token] = known
        return known

    def end_tokens(self) -> frozenset[int]:
        """The control tokens that end an answer."""
        named = (self.tokenize(text, special=True) for text in self.header.control_tokens)
        return frozenset(ids[0] for ids in named if len(ids) == 1 and self.ends_generation(ids[0]))

    def close(self) -> None:
        """Frees the native memory. Contexts made from this model must be closed before."""
        if self._model:
            lib.llama_model_free(self._model)
            self._model = None


_SPECIAL = lib.LLAMA_TOKEN_ATTR_CONTROL | lib.LLAMA_TOKEN_ATTR_USER_DEFINED | lib.LLAMA_TOKEN_ATTR_UNKNOWN
_FIM: Sequence[str] = ("pre", "suf", "mid", "pad", "rep", "sep")
# Those that llama.cpp does not look for by name: Codestral and Seed-Coder; StarCoder 2; StarCoder and Granite.
_FURTHER_FIM = {
    "pre": ("[PREFIX]", "<[fim-prefix]>"),
    "suf": ("[SUFFIX]", "<[fim-suffix]>"),
    "mid": ("<[fim-middle]>",),
    "rep": ("<repo_name>",),
    "sep": ("<file_sep>", "<filename>"),
}

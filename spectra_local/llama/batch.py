"""A llama_batch whose arrays are ours: filled with numpy slices instead of one ctypes item at a time."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from spectra_local.llama.native import lib


class Batch:
    """Room for ``capacity`` tokens, each in up to ``n_seq_max`` sequences."""

    def __init__(self, capacity: int, n_seq_max: int) -> None:
        self.token = np.zeros(capacity, np.int32)
        self.pos = np.zeros(capacity, np.int32)
        self.n_seq_id = np.ones(capacity, np.int32)
        self.seq_id = np.zeros((capacity, n_seq_max), np.int32)
        self.logits = np.zeros(capacity, np.int8)  # 1: this token's logits are wanted
        rows = self.seq_id.ctypes.data + np.arange(capacity, dtype=np.uint64) * np.uint64(self.seq_id.strides[0])
        self._rows = rows.astype(np.uint64)  # seq_id[i] of the C struct: an address a token
        self.native: Any = lib.llama_batch()
        for name, array in (
            ("token", self.token),
            ("pos", self.pos),
            ("n_seq_id", self.n_seq_id),
            ("seq_id", self._rows),
            ("logits", self.logits),
        ):
            kind = dict(lib.llama_batch._fields_)[name]
            setattr(self.native, name, ctypes.cast(array.ctypes.data, kind))

    def fill_run(self, tokens: Sequence[int], start: int, sequence: int, *, all_logits: bool) -> None:
        """Consecutive tokens of one sequence from position ``start``; logits of all, or of the last alone."""
        n = len(tokens)
        self.token[:n] = tokens
        self.pos[:n] = np.arange(start, start + n)
        self.n_seq_id[:n] = 1
        self.seq_id[:n, 0] = sequence
        self.logits[:n] = all_logits
        self.logits[n - 1] = 1
        self.native.n_tokens = n

    def fill_tree(
        self, tokens: Sequence[int], depths: Sequence[int], start: int, sequences: Sequence[list[int]]
    ) -> None:
        """A tree's nodes: node i stands at position start + depths[i] and belongs to all of sequences[i]."""
        n = len(tokens)
        self.token[:n] = tokens
        self.pos[:n] = depths
        self.pos[:n] += start
        self.logits[:n] = 1
        for i, ids in enumerate(sequences):
            self.n_seq_id[i] = len(ids)
            self.seq_id[i, : len(ids)] = ids
        self.native.n_tokens = n

"""KV memory of one conversation: prefill with reuse, decode a token tree in one pass, keep the path that was chosen.

Sequence ids are an inner matter: one of them, ``_main``, always holds the committed tokens; a tree's branches borrow
others for the length of one decode. Nothing here knows how drafts are made or tokens drawn.
"""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra_local.byte_size import byte_size
from spectra_local.errors import ContextFullError, MemoryShortageError, SpectraError
from spectra_local.llama import kv_state
from spectra_local.llama.batch import Batch
from spectra_local.llama.memory import available_bytes, kv_bytes, scores_bytes
from spectra_local.llama.model import Model
from spectra_local.llama.native import AbortFlag, lib
from spectra_local.llama.prefill_pieces import CPU_BATCH, PREFILL_BATCH, SMALL_BATCH, piece_sizes

ALWAYS = 1 << 31  # more cells than any cache has
FIRST_N_CTX = 1024  # cells to begin with: the cache grows with the conversation, so that a short one stays small
# A new text that is to be read into a small cache again leaves so many cells for its answer, and shares so many tokens
# at most, its form, with what was there: more are not read twice.
_ANSWER, _FORM = 64, 32
MAX_WIDTH = 128  # most tokens whose logits one decode returns: a draft tree and its root
WIDEST_EXACT = 16  # above, CPU matrix products change kernels and their last bits
WIDEST_SMALL = 63  # of a small cache with flash attention: from 64 on there is another kernel, which rounds otherwise
MAX_LEAVES = 16  # the logits buffer holds at least this many rows whatever is decoded
_PARKING = MAX_LEAVES  # sequence that owns rejected cells in exact mode
N_SEQ = MAX_LEAVES + 1
_GROWTH_RESERVE = 100_000_000  # bytes left free for everybody else when the cache grows
# Their rotary factors depend on the size of the context, so a cache made for one size is wrong in another.
_FIXED_SIZE_ARCHITECTURES = frozenset({"phi3", "phimoe", "minicpm3"})


class DecodeAbortedError(Exception):
    """The abort flag ended a decode; the context holds what was committed before."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What a context held: its tokens and their KV memory."""

    tokens: list[int]
    state: kv_state.State | None


class Context:
    """One conversation's KV cache over a model. ``tokens`` are those committed, in order."""

    def __init__(
        self,
        model: Model,
        abort: AbortFlag,
        *,
        n_ctx: int,
        n_threads: int,
        exact: bool = False,
        flash_cells: int = ALWAYS,
    ) -> None:
        """``n_ctx``: most tokens ever held. ``exact``: settings whose logits do not depend on the batch width.
        ``flash_cells``: largest cache with flash attention, where llama.cpp has it for this model and device; see
        attention.py."""
        self.model = model
        self.n_ctx = n_ctx
        self.exact = exact
        self.flash_cells = flash_cells
        self.tokens: list[int] = []
        self._abort = abort
        self._n_threads = n_threads
        self._main = 0
        self._n_parked = 0
        self._borrowed: list[int] = []  # sequences of the tree in flight, _main first
        self._decoded: list[int] = []  # root and nodes of the tree in flight
        self._parents: Sequence[int] = ()  # of its nodes
        self._node_sequences: list[list[int]] = []
        self._batch = Batch(PREFILL_BATCH, N_SEQ)
        self._n_cells = 0
        self._first_row = 0  # batch position of row 0 of ``logits``
        self._rows: dict[int, NDArray[np.float32]] = {}  # views into the logits buffer, by address
        self._context: Any = None
        fixed = model.header.architecture in _FIXED_SIZE_ARCHITECTURES
        self._first_size = n_ctx if fixed else min(n_ctx, FIRST_N_CTX, flash_cells or FIRST_N_CTX)
        self._create(self._first_size)

    @property
    def handle(self) -> Any:
        """The native context."""
        return self._context

    @property
    def flash(self) -> bool:
        """Whether attention is flash attention by now."""
        return self._n_cells <= self.flash_cells

    @property
    def _is_small(self) -> bool:
        """Whether passes of all widths up to WIDEST_SMALL round alike for as long as the cache does not grow."""
        return self.flash and self.flash_cells < ALWAYS

    @property
    def widest(self) -> int:
        """Tokens that ``decode`` should take at most now: a draft tree and its root."""
        if self.exact:
            return WIDEST_EXACT
        if self._is_small:  # nor should a draft be what outgrows the cache
            return max(1, min(WIDEST_SMALL, self._n_cells - self.n_past))
        return MAX_WIDTH

    @property
    def _most_read(self) -> int:
        if self.exact:
            return WIDEST_EXACT
        if self.model.on_gpu:
            return PREFILL_BATCH
        return SMALL_BATCH if self._is_small else CPU_BATCH

    @property
    def n_past(self) -> int:
        """Tokens committed."""
        return len(self.tokens)

    def _create(self, n_cells: int) -> None:
        self._n_cells = n_cells
        params = lib.llama_context_default_params()
        params.n_ctx = n_cells
        params.n_batch = params.n_ubatch = PREFILL_BATCH if self.flash else MAX_WIDTH
        params.n_seq_max = N_SEQ
        params.n_outputs_max = MAX_WIDTH
        params.n_threads = params.n_threads_batch = self._n_threads
        params.kv_unified = True  # a token tree shares the cells of its trunk
        params.no_perf = True
        params.abort_callback = self._abort.callback
        params.abort_callback_data = self._abort.data
        if self.exact:
            params.flash_attn_type = 1  # LLAMA_FLASH_ATTN_TYPE_ENABLED
            params.type_k = params.type_v = lib.GGML_TYPE_Q8_0
        elif not self.flash:
            params.flash_attn_type = 0  # LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = lib.llama_init_from_model(self.model.handle, params)
        if not self._context:
            needed = kv_bytes(n_cells, self.model.header.kv_elements_per_token)
            raise MemoryShortageError(
                f"A context of {n_cells} tokens could not be made; it needs about {byte_size(needed)} of memory. "
                "Give --ctx a smaller number."
            )
        self._rows.clear()
        self._memory = lib.llama_get_memory(self._context)
        self._n_cells = int(lib.llama_n_ctx(self._context))

    # --- room for tokens ---------------------------------------------------------------------------------------

    def reserve(self, n_tokens: int) -> None:
        """Makes sure that ``n_tokens`` more can be decoded. Raises ContextFullError, MemoryShortageError."""
        needed = self.n_past + self._n_parked + n_tokens
        if needed <= self._n_cells:
            return
        if self.n_past + n_tokens > self.n_ctx:
            raise ContextFullError(f"the context of {self.n_ctx} tokens is full")
        if needed > self.n_ctx or self._n_cells >= self.n_ctx:
            self._move(self._n_cells)
        else:
            self._move(self._larger(needed))

    def _larger(self, needed: int) -> int:
        size = max(self._n_cells, FIRST_N_CTX // 2)
        while size < needed:
            size *= 2
        size = min(size, self.n_ctx)
        header = self.model.header
        more = kv_bytes(size, header.kv_elements_per_token)
        if size > self.flash_cells:
            more += scores_bytes(size, max(header.head_count), MAX_WIDTH)
        free = available_bytes()
        if free is not None and more + _GROWTH_RESERVE > free and not self.model.on_gpu:
            raise MemoryShortageError(
                f"a context of {size} tokens needs {byte_size(more)} of memory and {byte_size(free)} are free"
            )
        return size

    def _move(self, n_cells: int) -> None:
        """Copies the committed cells, in order and without holes, into a cache of ``n_cells``."""
        state = self._saved_state()
        if n_cells == self._n_cells:
            lib.llama_memory_clear(self._memory, False)
        else:
            lib.llama_free(self._context)
            self._create(n_cells)
        self._main = 0
        self._n_parked = 0
        if not self._restored(state):
            self.clear()
            raise SpectraError("the conversation's memory could not be moved; ask again")

    def _saved_state(self) -> kv_state.State | None:
        return kv_state.saved(self._context, self._main, transposed=not self.flash) if self.tokens else None

    def _restored(self, state: kv_state.State | None) -> bool:
        return state is None or kv_state.restore(self._context, self._main, state, transposed=not self.flash)

    # --- another text for a while ---------------------------------------------------------------------------

    @property
    def can_set_aside(self) -> bool:
        """Whether there is memory for a copy of what the context holds."""
        free = available_bytes()
        return free is None or lib.llama_state_seq_get_size(self._context, self._main) + _GROWTH_RESERVE < free

    def set_aside(self) -> SetAside:
        """Empties the context, for ``bring_back``. Only between decodes; logits are lost."""
        held = SetAside(self.tokens.copy(), self._saved_state())
        self.clear()
        return held

    def bring_back(self, held: SetAside) -> None:
        """Holds what it held, to the bit; after a change of attention but for rounding. Raises SpectraError,
        MemoryShortageError."""
        self.clear()
        self.reserve(len(held.tokens))
        if not self._restored(held.state):
            self.clear()
            raise SpectraError("the conversation's memory could not be brought back; ask again")
        self.tokens += held.tokens

    # --- prefill -----------------------------------------------------------------------------------------------

    def holds(self, tokens: Sequence[int]) -> bool:
        """Whether the context begins with ``tokens``: then they need no evaluation."""
        return len(tokens) <= self.n_past and _common_prefix(self.tokens, tokens) == len(tokens)

    def prefill(self, tokens: Sequence[int], *, logits: bool = True) -> Iterator[tuple[int, int, int]]:
        """Makes ``tokens`` the context, evaluating only what differs from what is there.

        Yields (tokens reused, evaluated, to evaluate) before the first batch and after each. Row 0 of ``logits`` is
        then the last token's, if they are wanted. Raises DecodeAbortedError (what was evaluated so far is kept),
        ContextFullError.
        """
        reused = self._rewind(_common_prefix(self.tokens, tokens[:-1] if logits else tokens))
        if reused <= _FORM and not self.flash and len(tokens) + _ANSWER <= min(self.flash_cells, self._first_size):
            self.restart()  # a new short text after a long one
            reused = 0
        todo = len(tokens) - reused
        self.reserve(todo)
        yield reused, 0, todo
        start = reused
        for size in piece_sizes(reused, todo, most=self._most_read):
            if start == len(tokens):
                return
            chunk = tokens[start : start + size]
            self.reserve(len(tokens) - start)  # another text may have been here since, and a smaller cache with it
            self._batch.fill_run(chunk, start, self._main, all_logits=False)
            self._decode()
            self.tokens.extend(chunk)
            self._first_row = len(chunk) - 1
            start += len(chunk)
            yield reused, start - reused, todo

    def _rewind(self, n: int) -> int:
        """Forgets all but the first ``n`` tokens; returns how many are left (0 where a memory cannot roll back)."""
        if n == self.n_past:
            return n
        if n == 0 or not lib.llama_memory_seq_rm(self._memory, self._main, n, -1):
            self.clear()
            return 0
        del self.tokens[n:]
        if self.exact:  # refilling freed cells out of order would change the last bits
            self._move(self._n_cells)
        return n

    def restart(self) -> None:
        """Forgets everything and gives back the memory that long texts and wide decodes took."""
        self.clear()
        lib.llama_free(self._context)
        self._create(self._first_size)

    def clear(self) -> None:
        """Forgets everything."""
        lib.llama_memory_clear(self._memory, False)
        self.tokens.clear()
        self._main = 0
        self._n_parked = 0

    # --- one step: decode, look, commit ------------------------------------------------------------------------

    def decode(self, token: int, drafted: Sequence[int] = (), parents: Sequence[int] = ()) -> None:
        """Evaluates ``token`` after the committed ones, and below it a tree of ``drafted`` tokens, in one pass.

        parents[i] is the index in ``drafted`` of node i's parent, -1 for children of ``token``. Row 0 of ``logits``
        is then ``token``'s, row i + 1 node i's. At most MAX_WIDTH - 1 nodes and MAX_LEAVES leaves; ``commit`` must
        follow. Raises DecodeAbortedError, ContextFullError, MemoryShortageError.
        """
        self.reserve(1 + len(drafted))
        self._parents = parents
        self._decoded = [token, *drafted]
        if all(parent == i - 1 for i, parent in enumerate(parents)):
            self._borrowed = [self._main]
            self._node_sequences = []
            self._batch.fill_run(self._decoded, self.n_past, self._main, all_logits=True)
        else:
            self._fill_branching(token, drafted, parents)
        self._first_row = 0
        self._decode()
        lib.llama_synchronize(self._context)  # GPUs return early; who times this call means the whole pass

    def _fill_branching(self, token: int, drafted: Sequence[int], parents: Sequence[int]) -> None:
        """One sequence a leaf; a node belongs to the sequences of all leaves below it: a run of consecutive ones."""
        n = len(drafted)
        leaves, depths, start = [0] * (n + 1), [0] * (n + 1), [0] * (n + 1)  # entry 0 is the root, i + 1 node i
        for i in range(n, 0, -1):  # children stand after their parents
            leaves[i] = leaves[i] or 1
            leaves[parents[i - 1] + 1] += leaves[i]
        names = [self._main, *(s for s in range(MAX_LEAVES) if s != self._main)][: leaves[0]]
        taken = [0] * (n + 1)  # sequences of a node that its children so far were given
        for i in range(1, n + 1):
            above = parents[i - 1] + 1
            depths[i] = depths[above] + 1
            start[i] = start[above] + taken[above]
            taken[above] += leaves[i]
        for sequence in names[1:]:
            lib.llama_memory_seq_cp(self._memory, self._main, sequence, -1, -1)
        self._borrowed = names
        sequences = [names[start[i] : start[i] + leaves[i]] for i in range(n + 1)]
        self._node_sequences = sequences[1:]
        self._batch.fill_tree([token, *drafted], depths, self.n_past, sequences)

    def _decode(self) -> None:
        code = lib.llama_decode(self._context, self._batch.native)
        if code == 0:
            return
        self._drop_uncommitted()
        if code == 2:
            raise DecodeAbortedError
        if code == 1:
            raise ContextFullError(f"the context of {self.n_ctx} tokens is full")
        raise SpectraError(f"llama.cpp could not evaluate the tokens (code {code}); the log may say why")

    def _drop_uncommitted(self) -> None:
        for sequence in self._borrowed:
            if sequence != self._main:
                lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        self._borrowed = []
        if not lib.llama_memory_seq_rm(self._memory, self._main, self.n_past, -1):
            self.clear()

    def logits(self, row: int = 0) -> NDArray[np.float32]:
        """Row of the last decode, shape (n_vocab,): a view into native memory, valid until the next decode."""
        pointer = lib.llama_get_logits_ith(self._context, self._first_row + row)
        address = ctypes.addressof(pointer.contents)
        view = self._rows.get(address)
        if view is None:  # made once for each row of the buffer: after a decode every cache is cold, and making is slow
            view = self._rows[address] = np.ctypeslib.as_array(pointer, shape=(self.model.n_vocab,))
        return view

    def batch_index(self, row: int = 0) -> int:
        """Where native samplers find that row."""
        return self._first_row + row

    def commit(self, path: Sequence[int] = ()) -> None:
        """Keeps the decoded token and the nodes of ``path`` (indices, root to leaf); drops the rest of the tree."""
        n_drafted = len(self._parents)
        n_keep = self.n_past + 1 + len(path)
        winner = self._main
        if self._node_sequences and path:
            winner = self._node_sequences[path[-1]][0]
        kept = [self._decoded[0], *(self._decoded[i + 1] for i in path)]
        if self.exact:
            self._park(winner, n_keep, n_drafted - len(path))
        elif len(self._borrowed) > 1:
            lib.llama_memory_seq_keep(self._memory, winner)
        if len(path) < n_drafted:
            lib.llama_memory_seq_rm(self._memory, winner, n_keep, -1)
        self._main = winner
        self._borrowed = []
        self.tokens += kept

    # --- several continuations side by side --------------------------------------------------------------------

    def fork(self, n: int, n_tokens: int) -> None:
        """Lets ``n`` continuations of the committed tokens (at most MAX_LEAVES) grow by up to ``n_tokens`` each.

        ``decode_each`` grows them, ``join`` must follow: they are for a moment, ``tokens`` stay as they are. Raises
        ContextFullError, MemoryShortageError.
        """
        self.reserve(n * n_tokens)
        self._borrowed = [self._main, *(s for s in range(MAX_LEAVES) if s != self._main)][:n]
        for sequence in self._borrowed[1:]:
            lib.llama_memory_seq_cp(self._memory, self._main, sequence, -1, -1)

    def decode_each(self, tokens: Mapping[int, int], n_before: int) -> None:
        """One pass over one more token of each continuation (number -> token), ``n_before`` after those committed.

        Row i of ``logits`` is then the i-th token's. Raises DecodeAbortedError, after which no continuation is left.
        """
        n = len(tokens)
        self._batch.fill_tree(
            list(tokens.values()), [n_before] * n, self.n_past, [[self._borrowed[number]] for number in tokens]
        )
        self._first_row = 0
        self._decode()

    def join(self) -> None:
        """Drops all continuations; the committed tokens stay."""
        self._drop_uncommitted()
        if self.exact and self.tokens:  # refilling freed cells out of order would change the last bits
            self._move(self._n_cells)

    def _park(self, winner: int, n_keep: int, n_rejected: int) -> None:
        """Gives rejected cells to a sequence nobody reads: freed, they would be refilled out of order."""
        if n_rejected == 0 and len(self._borrowed) == 1:
            return
        lib.llama_memory_seq_cp(self._memory, winner, _PARKING, n_keep, -1)
        for sequence in self._borrowed:
            if sequence != winner:
                lib.llama_memory_seq_cp(self._memory, sequence, _PARKING, self.n_past, -1)
                lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        self._n_parked += n_rejected

    def close(self) -> None:
        """Frees the native memory."""
        if self._context:
            lib.llama_free(self._context)
            self._context = None


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    n = min(len(a), len(b))
    left, right = np.fromiter(a, np.int64, len(a))[:n], np.fromiter(b, np.int64, len(b))[:n]
    differing = np.flatnonzero(left != right)
    return int(differing[0]) if differing.size else n

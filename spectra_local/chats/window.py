"""Which messages of a long conversation fit into the context: the system message and the newest turns."""

from collections.abc import Callable, Sequence

from spectra_local.protocol import Message

# Once messages must go, enough go that the next turns fit too: each drop costs a whole prefill.
_FILL_AFTER_DROP = 0.75


class ContextWindow:
    """Remembers where the conversation was cut, so that the cut moves seldom and the KV cache is reused."""

    def __init__(self) -> None:
        self._n_dropped = 0

    def fit(
        self, messages: Sequence[Message], size: Callable[[Sequence[Message]], int], budget: int
    ) -> tuple[list[Message], int]:
        """The messages to send, and how many were left out. ``size`` counts tokens of a rendered conversation.

        The system message (if first) and the last message always stay, also where they exceed ``budget``; of an answer
        that is begun, what it answers too.
        """
        head = list(messages[:1]) if messages and messages[0].role == "system" else []
        turns = list(messages[len(head) :])
        if size(messages) <= budget:
            self._n_dropped = 0
            return [*messages], 0
        latest = self._n_dropped  # read once: another thread may fit another conversation
        starts = [i for i in range(1, len(turns)) if turns[i].role == "user"] or [_last_start(turns)]
        if latest in starts and size([*head, *turns[latest:]]) <= budget:
            return [*head, *turns[latest:]], latest
        low, high = 0, len(starts) - 1  # a later cut is never larger: search the first that fits
        while low < high:
            middle = (low + high) // 2
            if size([*head, *turns[starts[middle] :]]) <= budget * _FILL_AFTER_DROP:
                high = middle
            else:
                low = middle + 1
        self._n_dropped = starts[low]
        return [*head, *turns[starts[low] :]], starts[low]


def _last_start(turns: Sequence[Message]) -> int:
    begun = turns[-2:-1] and turns[-1].role == "assistant" and turns[-2].role == "user"
    return max(0, len(turns) - (2 if begun else 1))

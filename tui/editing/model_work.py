"""What the editor has the model do, as work for the session's thread. Knows no widgets."""

from collections.abc import Generator
from dataclasses import replace

from spectra_local.completion.completer import Completer, CompletionRequest
from spectra_local.completion.rewrite import RewriteRequest, rewrite
from spectra_local.protocol import Assistant, FillIn, Sampling

UNASKED_MS = 1500.0  # of generating, for what nobody asked for: then what there is at a line's end is shown


class ModelWork:
    """Makes jobs' work; keeps the completer of the model that is loaded, with the prompt of the gap in its cache."""

    def __init__(self, *, learn: bool) -> None:
        """``learn``: whether what is accepted in this file may be learned, once it is saved."""
        self._learn = learn
        self._completer: Completer | None = None
        self._completes: Assistant | None = None

    def suggest(self, assistant: Assistant, gap: FillIn, *, asked: bool) -> Generator[object, None, None]:
        """Pieces and one Suggestion. ``asked``: by a key, so it may take its time."""
        request = CompletionRequest(gap, max_ms=None if asked else UNASKED_MS, learn=self._learn)
        return self._completer_of(assistant).complete(request)

    def another(self, assistant: Assistant, gap: FillIn, number: int) -> Generator[object, None, None]:
        """The suggestion that is known, then one more, drawn. ``number``: which one, from 1."""
        request = CompletionRequest(gap, count=2, sampling=Sampling(seed=number), learn=self._learn)
        return self._completer_of(assistant).complete(request)

    def rewrite(self, assistant: Assistant, request: RewriteRequest) -> Generator[object, None, None]:
        """Progress, then Rewritten."""
        return rewrite(assistant, replace(request, learn=self._learn))

    def rewritten(self, assistant: Assistant, gap: FillIn, text: str) -> Generator[object, None, None]:
        """A rewriting was taken: ``text`` is in ``gap`` now. Yields nothing."""
        self._completer_of(assistant).accepted(gap, text, learn=self._learn)
        yield from ()

    def saved(self, assistant: Assistant, text: str) -> Generator[object, None, None]:
        """The file holds ``text`` now. Yields nothing."""
        self._completer_of(assistant).saved(text, learn=self._learn)
        yield from ()

    def _completer_of(self, assistant: Assistant) -> Completer:
        if self._completer is None or assistant is not self._completes:
            self._completer, self._completes = Completer(assistant, until_saved=True), assistant
        return self._completer

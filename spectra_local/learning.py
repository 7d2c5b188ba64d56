"""What an engine's requests teach: turns for the history on disk, text for the drafts of this process.

Knows which request may teach what; nothing of how answers are made.
"""

from collections.abc import Sequence
from itertools import takewhile

from spectra_local.history.personal import Exchange, PersonalHistory
from spectra_local.history.savings import Saved, Tried
from spectra_local.llama.model import Model
from spectra_local.protocol import Message, Request, Source, Timings
from spectra_local.speculation.per_model import PerModel

# Of an earlier turn so many tokens are remembered again with a new one, so that matches can reach back over the seam.
_OVERLAP = 64


class Learning:
    """Of one loaded model. Whatever goes wrong with the disk, it goes on in memory with one notice."""

    def __init__(self, model: Model, drafts: PerModel, history: PersonalHistory | None) -> None:
        """``history`` None: nothing is kept on disk."""
        self._model = model
        self._drafts = drafts
        self._history = history
        self._context_learned = True  # what the context of all but completions holds is in the history too
        if history:
            drafts.draft_from(history.indexes)
            drafts.retrieve(history.corpora_version, history.corpora_texts)

    def take_notice(self) -> str:
        """What the user should be told, once; "" where there is nothing."""
        return self._history.take_notice() if self._history else ""

    def forget_deleted(self) -> None:
        """Before a request, and before anything is saved: what was deleted meanwhile must not come back."""
        if self._history:
            if self._history.opened():
                self._drafts.draft_from(self._history.indexes)
            if self._history.refresh():
                self._drafts.forget()
            self._drafts.retrieve(self._history.corpora_version, self._history.corpora_texts)

    def begun(self) -> int | None:
        """When a request begins: what tells at its end whether anything was forgotten meanwhile."""
        return self._history.begun() if self._history else None

    def answered(
        self,
        request: Request,
        prompt: Sequence[int],
        answer: Sequence[int],
        shown: str,
        timings: Timings,
        begun: int | None = None,
    ) -> None:
        """Keeps both turns for later drafts: committed before the answer is reported as done. Of a request that was
        ``begun`` before something was forgotten nothing is kept."""
        read = prompt[max(0, timings.cache_n - _OVERLAP) :]
        on_disk = self._on_disk(request)
        if request.kind != "chat":  # what nobody has accepted yet is not kept, nor drafted from
            self._context_learned = self._context_learned and request.kind == "complete"
            self._drafts.remember(read)
            if on_disk:
                on_disk.count(savings_of(timings), _tried(timings))
        else:
            reused = timings.cache_n if self._context_learned else 0
            self._context_learned = request.learn
            if on_disk:
                said = self._model.text
                given = said(request.prompt_ids) if request.prompt_ids else ""
                raw = given + (request.prompt or "")
                asked = raw or _new_words(request.messages)
                exchange = Exchange(
                    request.conversation,
                    request.kind,
                    asked,
                    prompt,
                    reused=reused,
                    answer=shown,
                    answered=answer,
                    said=said,
                    begun=begun,
                )
                on_disk.record(exchange, savings_of(timings), _tried(timings))
            else:
                self._drafts.remember([*read, *answer])
        if not request.learn:
            self._drafts.keep_core_in_memory()
        self.forget_deleted()
        if begun is not None and self.begun() != begun:  # what was drafted from meanwhile goes too
            self._drafts.forget()
        self._drafts.save()

    def accepted(self, request: Request) -> None:
        """Keeps a suggestion that the user took, and the text it follows."""
        before, text = request.prompt or "", request.accepted or ""
        self.forget_deleted()
        prompt, whole = self._model.tokenize(before), self._model.tokenize(before + text)
        seam = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, whole, strict=False)))
        if on_disk := self._on_disk(request):
            said = self._model.text
            exchange = Exchange(
                request.conversation,
                request.kind,
                before,
                whole[:seam],
                reused=0,
                answer=text,
                answered=whole[seam:],
                said=said,
            )
            on_disk.record(exchange, Saved())
        else:
            self._drafts.remember(whole)

    def not_kept(self, n_read: int) -> None:
        """So many tokens were read into the context that the history does not hold."""
        self._context_learned = self._context_learned and not n_read

    def close(self) -> None:
        """Saves what was learned."""
        self.forget_deleted()
        self._drafts.save(now=True)
        if self._history:
            self._history.close()

    def _on_disk(self, request: Request) -> PersonalHistory | None:
        return self._history if self._history and self._history.index and request.learn else None


def _new_words(messages: Sequence[Message]) -> str:
    """What was said since the model last spoke; all of it where it never did."""
    words: list[str] = []
    for message in reversed(messages):
        if message.role == "assistant" and words:
            break
        words.append(message.content)
    return "\n\n".join(reversed(words))


def savings_of(timings: Timings) -> Saved:
    """What one answer saved against plain decoding, in ms, and what it was drafted from."""
    plain_ms = timings.predicted_ms * timings.speedup_estimate
    return Saved(
        answers=1,
        predicted_n=timings.predicted_n,
        steps=timings.steps,
        draft_n=timings.draft_n,
        accepted_n=timings.draft_n_accepted,
        from_history=sum(timings.accepted_by_source.get(source, 0) for source in Source if source.said_before),
        predicted_ms=timings.predicted_ms,
        saved_ms=plain_ms - timings.predicted_ms,
    )


def _tried(timings: Timings) -> dict[str, Tried]:
    accepted, rejected = timings.accepted_by_source, timings.rejected_by_source
    return {source: Tried(accepted.get(source, 0), rejected.get(source, 0)) for source in {**accepted, **rejected}}

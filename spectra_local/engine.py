"""One model, one context, ``generate``: what the terminal app, the command line and the servers call.

Turns a request into token ids, lets the decoder run, and turns tokens into events. Knows nothing of screens or pipes.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from spectra_local.answer_events import ShownLogprobs, piece_of, timings_of, with_all_read
from spectra_local.answer_text import AnswerText
from spectra_local.context_sharing import ContextSharing
from spectra_local.errors import ContextFullError, MemoryShortageError, SpectraError, UsageError
from spectra_local.history.personal import PersonalHistory
from spectra_local.learning import Learning
from spectra_local.llama import attention, native
from spectra_local.llama.attention import NEVER
from spectra_local.llama.context import ALWAYS, Context, DecodeAbortedError
from spectra_local.llama.exactness import widths_agree
from spectra_local.llama.logprobs import Logprobs
from spectra_local.llama.model import Model
from spectra_local.llama.sampling import Sampler
from spectra_local.llama.token_count import first_tokens
from spectra_local.loops import LoopEnd
from spectra_local.measured_once import measured_once
from spectra_local.prompts import Prompt, Prompts
from spectra_local.protocol import (
    MEASURING,
    Done,
    Echo,
    EngineOptions,
    Event,
    FinishReason,
    LoadProgress,
    ModelInfo,
    Notice,
    PromptProgress,
    Request,
    Sampling,
    Text,
    Timings,
    TokenLogprobs,
)
from spectra_local.side_by_side import SideBySide
from spectra_local.speculation.cost import CostCurve
from spectra_local.speculation.decoder import Decoder, Prefill
from spectra_local.speculation.interface import Drafter
from spectra_local.speculation.per_model import PerModel


class Engine:
    """A model in this process. One request at a time, from one thread; ``cancel`` from any."""

    def __init__(self, path: Path | str, options: EngineOptions | None = None) -> None:
        self._path = Path(path)
        self._options = options or EngineOptions()
        self._abort = native.AbortFlag()
        self._prompts: Prompts | None = None
        self._model: Model | None = None
        self._context: Context | None = None
        self._info: ModelInfo | None = None
        self._speculation: PerModel | None = None
        self._learning: Learning | None = None
        self._sharing: ContextSharing | None = None

    # --- loading -----------------------------------------------------------------------------------------------

    def load(self) -> Iterator[LoadProgress]:
        """Loads the model, yielding fractions as they come. Raises SpectraError; ``cancel`` ends it with one.

        A ``cancel`` counts from this call on, as in ``generate``.
        """
        self._abort.clear()
        return self._loading()

    def _loading(self) -> Iterator[LoadProgress]:
        progress: SimpleQueue[LoadProgress | SpectraError | None] = SimpleQueue()

        def load() -> None:
            try:
                self._load(progress.put)
                progress.put(None)
            except (SpectraError, DecodeAbortedError) as error:
                self.close()
                if self._abort.is_set() or not isinstance(error, SpectraError):
                    error = SpectraError("loading was cancelled")
                progress.put(error)
            except Exception as error:  # a defect of ours must not leave the reader waiting
                progress.put(SpectraError(f"loading failed: {error!r}"))

        threading.Thread(target=load, name="load", daemon=True).start()
        while (item := progress.get()) is not None:
            if isinstance(item, SpectraError):
                raise item
            yield item

    def _load(self, report: Callable[[LoadProgress], None]) -> None:
        started = time.perf_counter()

        def on_progress(fraction: float) -> bool:
            report(LoadProgress(fraction))
            return not self._abort.is_set()

        def measuring() -> None:
            report(LoadProgress(1.0, MEASURING))

        options = self._options
        n_threads = _checked(options.n_threads, "threads", 1, 512) or native.default_threads()
        n_ctx = _checked(options.n_ctx, "ctx", 64, 1 << 24)
        model = Model(
            self._path,
            n_gpu_layers=options.n_gpu_layers,
            exact=options.exact,
            from_disk=options.from_disk,
            on_progress=on_progress,
        )
        self._model = model
        n_ctx = min(n_ctx or model.n_ctx_train, model.n_ctx_train)
        device = native.gpu_names()[0] if model.on_gpu and native.gpu_names() else f"CPU, {n_threads} threads"
        context = Context(
            model,
            self._abort,
            n_ctx=n_ctx,
            n_threads=n_threads,
            exact=options.exact,
            flash_cells=self._flash_cells(model, device, n_threads, measuring),
        )
        self._context, self._sharing = context, ContextSharing(context)
        if options.exact and not widths_agree(context):
            raise SpectraError(
                "exact mode is not possible here: this backend's results depend on how many tokens one pass evaluates. "
                "Without --exact the text is the model's own too, but near-ties may fall the other way."
            )
        self._prompts = prompts = Prompts(model, context.n_ctx, options.template, device)
        if model.can_roll_back:
            self._speculation = self._prepared_speculation(model, context, device, measuring)
            fingerprint = model.header.tokenizer_fingerprint
            history = PersonalHistory(fingerprint, model.n_vocab) if options.history else None
            self._learning = Learning(model, self._speculation, history)
        self._info = ModelInfo(
            name=model.header.name or self._path.stem,
            path=str(self._path),
            architecture=model.header.architecture,
            quantisation=model.header.quantisation,
            n_params=model.n_params,
            size_bytes=model.size_bytes,
            n_ctx_train=model.n_ctx_train,
            n_ctx=n_ctx,
            n_vocab=model.n_vocab,
            template=prompts.template_name,
            fingerprint=model.header.tokenizer_fingerprint,
            device=device,
            load_ms=1000 * (time.perf_counter() - started),
            fill_in=prompts.fill_in_name,
            decode_cost=self.decode_cost,
            cost_trusted=self._speculation is None or self._speculation.cost.trusted,
            cost_time=self._speculation.cost_time if self._speculation else 0.0,
            kernels=native.step().name,
        )

    def _flash_cells(self, model: Model, device: str, n_threads: int, measuring: Callable[[], None]) -> int:
        if self._options.exact or model.on_gpu or not model.can_roll_back:
            return ALWAYS
        if native.step().cautious:
            return NEVER

        def measure() -> int | None:
            measuring()
            return attention.flash_cells(model, self._abort, n_threads)

        settings = f"{device}, {native.build()}"
        cells = measured_once("attention", model.identity, settings, measure, attention.ANSWERS)
        return ALWAYS if cells is None else cells

    def _prepared_speculation(
        self, model: Model, context: Context, device: str, measuring: Callable[[], None]
    ) -> PerModel:
        attention_kind = "" if context.flash_cells == ALWAYS else f", flash attention up to {context.flash_cells} cells"
        settings = f"{device}, exact {self._options.exact}{attention_kind}, {native.build()}"

        def decode(width: int) -> None:
            if not context.tokens:
                measuring()
            # Beyond, another kind of attention begins.
            if context.flash and context.n_past + width > context.flash_cells:
                context.clear()
            n_drafted = width - 1
            context.decode(0, [0] * n_drafted, range(-1, n_drafted - 1))
            context.commit()

        core_n_vocab = model.n_vocab if self._options.history else 0
        per_model = PerModel(
            model.identity, settings, context.widest, decode, model.end_tokens(), core_n_vocab=core_n_vocab
        )
        if context.tokens:  # it was measured: wide decodes leave buffers behind that few answers need
            context.restart()
        return per_model

    def use_drafter(self, make: Callable[[CostCurve], Drafter] | None) -> None:
        """Drafts with what ``make`` returns from now on, for measuring; None: SPECTRA. Raises SpectraError."""
        if self._speculation is None:
            raise SpectraError("this model cannot be speculated with: its memory cannot roll back")
        self._speculation.use(make)

    # --- for those who measure, or prompt with tokens ------------------------------------------------------------

    @property
    def model(self) -> Model:
        """Weights and vocabulary. Raises SpectraError before ``load`` has ended."""
        if self._model is None:
            raise SpectraError("no model is loaded")
        return self._model

    @property
    def context(self) -> Context:
        """The KV cache. Raises SpectraError before ``load`` has ended."""
        if self._context is None:
            raise SpectraError("no model is loaded")
        return self._context

    def prompt_tokens(self, request: Request) -> list[int]:
        """The token ids from which ``request`` would be answered. Raises SpectraError."""
        return self.read(request).tokens

    def read(self, request: Request) -> Prompt:
        """What ``generate`` would begin with. From any thread, also while it runs. Raises SpectraError."""
        if self._prompts is None:
            raise SpectraError("no model is loaded")
        return self._prompts.read(request)

    def greedy_decoder(self, *, speculate: bool = True) -> Decoder:
        """A decoder as an answer gets it, with the drafter in use, without sampling. Raises SpectraError."""
        kept = self._speculation
        drafter = kept.drafter if kept and speculate else None
        return Decoder(self.context, Sampler(Sampling(), self.model.n_vocab), drafter, kept.cost if kept else None)

    @property
    def info(self) -> ModelInfo:
        """The loaded model. Raises SpectraError before ``load`` has ended."""
        if self._info is None:
            raise SpectraError("no model is loaded")
        return self._info

    @property
    def decode_cost(self) -> tuple[float, ...]:
        """ModelInfo's, as it is known by now."""
        return tuple(round(cost, 3) for cost in kept.cost.relative[1:]) if (kept := self._speculation) else ()

    def cancel(self) -> None:
        """Ends the running request, in prefill too; its Done says "cancelled". No effect when idle."""
        self._abort.set()

    def close(self) -> None:
        """Frees the model."""
        if self._learning:
            self._learning.close()
        if self._context:
            self._context.close()
        if self._model:
            self._model.close()
        self._context = self._model = self._info = self._prompts = self._speculation = self._learning = (
            self._sharing
        ) = None

    # --- generating --------------------------------------------------------------------------------------------

    def generate(self, request: Request, prompt: Prompt | None = None) -> Generator[Event, None, None]:
        """Yields PromptProgress, Notice, Echo and Text events, then one Done. Raises SpectraError.

        A ``cancel`` counts from this call on, also before the first event is asked for. ``prompt``: what ``read`` made
        of the request.
        """
        self._abort.clear()
        return self._generate(request, prompt, self._learning.begun() if self._learning else None)

    @property
    def can_pause(self) -> bool:
        """Whether there is memory to ``pause``."""
        return self.context.can_set_aside

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Within it a request of kind "complete" may be generated while one of another kind rests, which then goes on.

        To be entered after a Text event, or a PromptProgress that is not the last. The one that rests goes on with the
        same memory and sampler, so that its text is the same. The other is not speculated on: the drafter's state is
        of the one that rests. Raises SpectraError.
        """
        if self._sharing is None:
            raise SpectraError("no model is loaded")
        try:
            with self._sharing.pause():
                yield
        finally:
            self._abort.clear()

    def _generate(self, request: Request, read: Prompt | None, begun: int | None) -> Generator[Event, None, None]:
        if self._model is None or self._context is None or self._prompts is None or self._sharing is None:
            raise SpectraError("no model is loaded")
        if request.accepted is not None:
            if self._learning:
                self._learning.accepted(request)
            yield Done("stop", Timings(), self._context.n_past, self._context.n_ctx)
            return
        read = read or self._prompts.read(request)
        prompt, n_dropped = read.tokens, read.n_dropped
        self._sharing.use_for("completing" if request.kind == "complete" else "conversing")
        if request.repeatable and not self._sharing.n_paused:
            self._context.restart()  # what was read before decides how wide the passes are, and so how they round
        if n_dropped:
            yield Notice(
                f"{n_dropped} earlier message{'s' * (n_dropped > 1)} left out: the context holds {self._context.n_ctx} "
                "tokens. The system message is kept."
            )
        if read.notice:
            yield Notice(read.notice)
        if self._learning:
            self._learning.forget_deleted()
            if notice := self._learning.take_notice():
                yield Notice(notice)
        logprobs = None if request.logprobs is None else Logprobs(self._model, request.logprobs)
        if not request.echo:
            yield from self._answers(request, prompt, logprobs, begun)
            return
        started = self._sharing.clock()
        try:
            yield self._echo(request, prompt, logprobs)
        except DecodeAbortedError:
            yield Done("cancelled", Timings(), self._context.n_past, self._context.n_ctx)
            return
        seconds = self._sharing.clock() - started
        for event in self._answers(request, prompt, logprobs, begun):
            if logprobs and isinstance(event, Done):
                event = replace(event, timings=with_all_read(event.timings, seconds))
            yield event

    def _answers(
        self, request: Request, prompt: list[int], logprobs: Logprobs | None, begun: int | None
    ) -> Iterator[Event]:
        assert self._model and self._context and self._prompts and self._sharing
        if request.count > 1:
            yield from self._several(request, prompt, logprobs)
            return
        sampler = Sampler(request.sampling, self._model.n_vocab, prompt)
        try:
            kept = self._speculation
            drafter = kept.drafter if kept and request.speculate and not self._sharing.n_paused else None
            decoder = Decoder(
                self._context,
                sampler,
                drafter,
                kept.cost if kept else None,
                self._sharing.clock,
                stop=self._prompts.stop_tokens(request),
                logprobs=logprobs,
            )
            yield from self._answer(request, prompt, decoder, begun)
        finally:
            sampler.close()

    def _echo(self, request: Request, prompt: list[int], logprobs: Logprobs | None) -> Echo:
        """The prompt as text. With ``logprobs`` all of it but its last token is read anew for them."""
        assert self._prompts
        told: list[TokenLogprobs] = []
        if logprobs:
            told = [logprobs.first(prompt[0]), *logprobs.of_prompt(self.context, prompt)]
            first = self._prompts.first_of_text(request, prompt)
            told = [logprobs.first(prompt[first]), *told[first + 1 :]] if first < len(prompt) else []
            if self._learning:
                self._learning.not_kept(len(prompt))
        return Echo(self._prompts.echo(request, prompt), tuple(told))

    def _answer(self, request: Request, prompt: list[int], decoder: Decoder, begun: int | None) -> Iterator[Event]:
        assert self._model and self._context and self._prompts and self._sharing
        model, context, clock = self._model, self._context, self._sharing.clock
        room = context.n_ctx - len(prompt)
        most = room if request.max_tokens is None else min(room, request.max_tokens)
        reason: FinishReason = "length" if most == request.max_tokens else "context"
        stop = self._prompts.stop(request)
        begins = bool(request.messages) and request.messages[-1].role != "assistant"
        text = AnswerText(stop, strip_first_space=begins and model.header.tokenizer_model == "llama")
        shown_logprobs = ShownLogprobs(text)
        n_predicted, cost, started = 0, 0.0, clock()
        answered: list[int] = []
        shown: list[str] = []
        prediction = first_tokens(request.prediction or "", model.tokenize, context.n_ctx)
        loop_end, loops = LoopEnd() if request.end_loops else None, False
        steps = decoder.run(prompt, most, prediction=prediction)
        try:
            for step in steps:
                if isinstance(step, Prefill):
                    yield PromptProgress(step.done, step.total, step.reused)
                    continue
                if loop_end:
                    step, loops = loop_end.cut(step)
                n_predicted += len(step.tokens)
                answered += step.tokens
                ends = decoder.ends(step.tokens[-1])
                if ends:
                    del step.logprobs[len(step.tokens) - 1 :]
                whole_cost = decoder.counts.whole_cost
                piece = piece_of(step, text, shown_logprobs, model, round(whole_cost - cost, 3))
                cost = whole_cost
                shown.append(piece.text)
                yield piece
                if loops or text.stopped or ends:
                    reason = "stop"
                    break
                if self._abort.is_set():
                    reason = "cancelled"
                    break
        except DecodeAbortedError:
            reason = "cancelled"
        except (ContextFullError, MemoryShortageError) as error:
            if not n_predicted:
                raise
            reason = "context"
            yield Notice(f"The answer ends here: {error}.")
        except GeneratorExit:  # its reader has seen enough: what was shown was real, and is learned like any other
            steps.close()
            timings = timings_of(decoder.counts, n_predicted, clock() - started)
            if self._learning:
                self._learning.answered(request, prompt, answered, "".join(shown), timings, begun)
            raise
        finally:
            steps.close()
        if rest := text.finish():
            shown.append(rest)
            yield Text(rest, 0, logprobs=shown_logprobs.finish(rest))
        if loops:
            yield Notice("The answer ends here: it said the same over and over.")
        timings = timings_of(decoder.counts, n_predicted, clock() - started)
        if self._learning and request.max_tokens == 0:
            self._learning.not_kept(timings.prompt_n)
        elif self._learning:
            self._learning.answered(request, prompt, answered, "".join(shown), timings, begun)
            if notice := self._learning.take_notice():
                yield Notice(notice)
        yield Done(reason, timings, context.n_past, context.n_ctx)

    def _several(self, request: Request, prompt: list[int], logprobs: Logprobs | None) -> Iterator[Event]:
        """Answers side by side. Nothing of them is learned: of several at most one is what the user wants."""
        assert self._prompts
        context, started = self.context, time.perf_counter()
        room = context.n_ctx - len(prompt)
        answers = SideBySide(context, prompt, request.sampling, request.count, logprobs=logprobs)
        stop, stop_tokens = self._prompts.stop(request), self._prompts.stop_tokens(request)
        reason: FinishReason = "cancelled"
        try:
            for event in answers.run(room if request.max_tokens is None else request.max_tokens, stop, stop_tokens):
                yield event
                if self._abort.is_set():
                    break
            else:
                reason = "stop" if len(answers.ended) == request.count else "length"
        except DecodeAbortedError:
            pass
        finally:
            answers.close()
        if self._learning and request.kind != "complete":
            self._learning.not_kept(answers.counts.prefilled)
        timings = timings_of(answers.counts, answers.n_predicted, time.perf_counter() - started)
        yield Done(reason, timings, context.n_past, context.n_ctx, ended=tuple(answers.ended))


def _checked(value: int | None, name: str, least: int, most: int) -> int | None:
    if value is not None and not least <= value <= most:
        raise UsageError(f"{name} must be between {least} and {most}")
    return value

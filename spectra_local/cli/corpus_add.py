"""``corpus add`` and ``corpus refresh``: long work that can be interrupted at any time and goes on where it was."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from spectra_local.llama.model import Model

from spectra_local.cli.corpus_list import corpus_names
from spectra_local.cli.native_command import in_child
from spectra_local.cli.options import WantedModel, model_option
from spectra_local.cli.status import StatusLine
from spectra_local.corpus.alone import alone
from spectra_local.corpus.building import Building
from spectra_local.corpus.documents import source_of
from spectra_local.corpus.records import MOST_TOKENS, Corpus, Records
from spectra_local.counted import counted
from spectra_local.errors import SpectraError, UsageError
from spectra_local.history.database import Database
from spectra_local.history.importing import is_layer_name
from spectra_local.history.index import Index
from spectra_local.history.store import Store
from spectra_local.printable import printable_line
from spectra_local.worker.settling import settle_kernels

KEEP = 0.5  # one project's requests: the easier half brought what all of it did, and half by lot a per cent less
_NICE = 19
FROM_HISTORY = "answers"  # name of the corpus of the model's own answers
_LISTED = 20  # skipped files named one by one
_REMEMBERED = 10_000  # and in JSON


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--from-history", is_flag=True, help="The model's own answers so far, instead of files.")
@click.option("--name", metavar="NAME", help="What to call it.  [default: after the first path]")
@click.option(
    "--keep",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help=f"Share that is kept.  [default: {KEEP}]",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1, MOST_TOKENS),
    metavar="N",
    help=f"Most tokens kept; no more is read than about what they need.  [default: {MOST_TOKENS}]",
)
@click.option("--threads", type=click.IntRange(1, 512), metavar="N", help="CPU threads.  [default: physical cores]")
@click.option("--rescore", is_flag=True, help="Score anew what another model scored.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--background", is_flag=True, hidden=True, help="For the app: rests when a line on stdin says so.")
@model_option
def add(
    paths: tuple[str, ...],
    from_history: bool,
    name: str | None,
    keep: float | None,
    max_tokens: int | None,
    threads: int | None,
    rescore: bool,
    as_json: bool,
    background: bool,
    model: WantedModel,
) -> int | None:
    """Read files and folders, and keep the share of them that the model finds easiest to foresee.

    What .gitignore names, binaries, links, secrets, generated and very large files are skipped, and listed. Scoring is
    long work: it can be interrupted, and the same command goes on where it was. Once it is done, the same command reads
    the text again, as 'corpus refresh' does.
    """
    if bool(paths) == from_history:
        raise UsageError("name files or folders to read, or say --from-history")
    asked = [_absolute(path) for path in paths]
    missing = [path for path in asked if _is_missing(path)]
    wanted = Corpus(
        name=name if name is not None else (FROM_HISTORY if from_history else _name_of(asked[0])),
        paths=tuple(path for path in asked if path not in missing),
        keep=keep or KEEP,
        max_tokens=max_tokens or MOST_TOKENS,
        model="",
        scorer="",
    )
    if not is_layer_name(wanted.name):
        raise UsageError("a corpus's name is made of letters, digits and . _ - (at most 64), and is not 'own'")
    if paths and len(missing) == len(asked):
        raise SpectraError(f"{_not_there(missing)}; nothing was added")
    code: int | None = _add(wanted, keep, max_tokens, model, threads, rescore, as_json, missing, background)
    return code


@in_child
def _add(
    wanted: Corpus,
    keep: float | None,
    max_tokens: int | None,
    model: WantedModel,
    threads: int | None,
    rescore: bool,
    as_json: bool,
    missing: Sequence[Path],
    background: bool,
) -> None:
    with _records() as records:
        if background:
            os.nice(_NICE)
        if known := records.named(wanted.name):
            wanted = replace(
                wanted,
                id=known.id,
                scorer=known.scorer,
                model=known.model,
                keep=keep or known.keep,
                max_tokens=max_tokens or known.max_tokens,
            )
            if {*map(os.path.realpath, known.paths)} == {*map(os.path.realpath, wanted.paths)}:
                wanted = replace(wanted, paths=known.paths)
            is_done = known.finished and not records.unscored(known)
            if is_done and known.paths != wanted.paths:
                raise SpectraError(
                    f"there is a corpus {wanted.name!r} of other paths already ('corpus list' shows them): "
                    f"'corpus remove {wanted.name}' erases it; or choose another --name"
                )
            if is_done:
                click.echo(f"corpus {wanted.name} is there already; it is read again", err=True)
        _build(records, wanted, model, threads, rescore, as_json, missing=missing, background=background)
    if missing:
        raise SpectraError(f"{_not_there(missing)}; corpus {wanted.name} was made without")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=corpus_names)
@click.option("--threads", type=click.IntRange(1, 512), metavar="N", help="CPU threads.  [default: physical cores]")
@click.option("--rescore", is_flag=True, help="Score anew what another model scored.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a corpus.")
@model_option
@in_child
def refresh(names: tuple[str, ...], threads: int | None, rescore: bool, as_json: bool, model: WantedModel) -> None:
    """Read the files of a corpus again (of all, where none is named): what did not change keeps its score.

    Also goes on with one that was interrupted, and brings back what 'history forget' took and the files still hold.
    Each is read by the model that scored it, unless -m or --rescore says otherwise.
    """
    with _records() as records:
        known = {corpus.name: corpus for corpus in records.all()}
        if unknown := [name for name in names if name not in known]:
            raise SpectraError(f"there is no corpus {printable_line(unknown[0])!r}; 'corpus list' shows those")
        if not known:
            raise SpectraError("there is no corpus yet; 'corpus add PATH' makes one")
        for name in names or known:
            _build(records, known[name], model, threads, rescore, as_json)


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # there, but not to be read: the survey says why
        pass
    return False


def _not_there(paths: Sequence[Path]) -> str:
    names = ", ".join(printable_line(str(path)) for path in paths)
    return f"{names} {'do' if len(paths) > 1 else 'does'} not exist"


def _name_of(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).strip("-._")[:64]
    return name if is_layer_name(name) else "corpus"


def _absolute(path: str) -> Path:
    from spectra_local.named_path import named_path

    named = named_path(path).absolute()
    # Where ".." leads depends on links before it; else a link that was named is kept, as it may come to lead elsewhere.
    return Path(os.path.realpath(named)) if ".." in named.parts else named


@contextmanager
def _records() -> Iterator[Records]:
    with alone(), closing(Database()) as database:
        if database.notice:
            click.echo(printable_line(database.notice), err=True)
        yield Records(Store(database))


def _build(
    records: Records,
    wanted: Corpus,
    model: WantedModel,
    threads: int | None,
    rescore: bool,
    as_json: bool,
    *,
    missing: Sequence[Path] = (),
    background: bool = False,
) -> None:
    from spectra_local.catalogue.default import name_for_option
    from spectra_local.cli.opening import model_path
    from spectra_local.llama.model import Model

    path = model_path(replace(model, name=model.name or (wanted.model if wanted.model and not rescore else None)))
    settle_kernels(path)
    with closing(Model(path, vocabulary_only=True)) as vocabulary:
        title = name_for_option(path)
        if wanted.scorer and wanted.scorer != vocabulary.identity:
            if not rescore:
                raise SpectraError(
                    f"corpus {wanted.name!r} was scored by another model, {printable_line(wanted.model)}: leave -m out "
                    f"to use that one, or say --rescore to have it scored anew by {printable_line(title)}"
                )
            records.forget_scores(wanted)
        is_new = not wanted.id
        corpus = records.begin(replace(wanted, model=title, scorer=vocabulary.identity))
        source = source_of(corpus.paths, records.store, vocabulary, vocabulary.header.tokenizer_fingerprint)
        building = Building(corpus, records, source, vocabulary)
        skipped = [(str(each), "does not exist") for each in missing]
        try:
            seen = _surveyed(building, corpus, skipped)
            records.take_known_scores(corpus)
            if is_new and (other := records.twin(corpus)):
                raise SpectraError(f"corpus {other} has all of this text already; nothing was added")
            if records.unscored(corpus):
                _scored(building, corpus, path, threads, background)
            if building.is_new:
                _kept(building, records, corpus, vocabulary)
        except KeyboardInterrupt:
            _say_how_to_go_on(records, corpus)
            if records.chunks(corpus).scored_tokens:
                _kept(building, records, corpus, vocabulary)  # what is scored already serves
            raise
        except SpectraError:
            if is_new and not records.unscored(corpus):
                records.store.remove_layer(corpus.name)  # there was nothing to read
            raise
    _report(records, corpus, seen, skipped, as_json)


def _surveyed(building: Building, corpus: Corpus, skipped: list[tuple[str, str]]) -> Mapping[str, int]:
    n_missing = len(skipped)
    with StatusLine(sys.stderr) as status:
        seen = building.survey(
            lambda path, reason: skipped.append((path, reason)) if len(skipped) < _REMEMBERED else None,
            lambda n: status.show(f"reading  {counted(n, 'text')}"),
        )
    _list_skipped(skipped, n_missing + seen.get("skipped", 0))
    if not seen.get("documents"):
        what = "readable text in any of the paths" if corpus.paths else "answer of this model in the history"
        raise SpectraError(f"there is no {what}; nothing was added")
    return seen


def _scored(building: Building, corpus: Corpus, path: Path, threads: int | None, background: bool) -> None:
    from spectra_local.corpus.resting import Resting
    from spectra_local.llama import native
    from spectra_local.llama.context import DecodeAbortedError
    from spectra_local.llama.likelihood import Likelihood
    from spectra_local.llama.model import Model

    abort = native.AbortFlag()
    with StatusLine(sys.stderr) as status:

        def loading(share: float) -> bool:
            status.show(f"loading {path.name}  {share:4.0%}")
            return True

        model = Model(path, on_progress=loading)
        with (
            closing(model),
            closing(Likelihood(model, abort, threads or native.default_threads())) as likelihood,
            # In a thread of its own: ctrl+c is heard while native code works, and a pass of a large model takes long.
            ThreadPoolExecutor(1) as thread,
        ):
            resting = Resting(likelihood, abort, sys.stdin) if background else None
            show = _told if background else _progress(status, corpus.name)
            try:
                thread.submit(building.score, resting or likelihood, show).result()
            except KeyboardInterrupt:
                (resting.end if resting else abort.set)()
                raise
            except DecodeAbortedError:  # whoever told it to rest has ended
                raise KeyboardInterrupt from None


def _progress(status: StatusLine, name: str) -> Callable[[int, int], None]:
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        taken = time.monotonic() - started
        left = f"  about {_duration(taken * (total - done) / done)} left" if done else ""
        status.show(f"scoring {name}  {done / max(1, total):4.0%}  {done:,} of {total:,} tokens{left}")

    return show


def _told(done: int, total: int) -> None:
    click.echo(f"{done} {total}")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _kept(building: Building, records: Records, corpus: Corpus, vocabulary: "Model") -> None:
    fingerprint = vocabulary.header.tokenizer_fingerprint
    with StatusLine(sys.stderr) as status:
        building.keep(fingerprint, lambda n: status.show(f"writing  {counted(n, 'text')}"))
        status.show("indexing")
        index = Index(records.store, fingerprint, vocabulary.n_vocab, corpora=True)
        index.wait()  # else whoever chats next would do it
        index.close()


def _list_skipped(skipped: list[tuple[str, str]], n_skipped: int) -> None:
    for path, reason in skipped[:_LISTED]:
        click.echo(f"skipped: {printable_line(path)} {reason}", err=True)
    if (more := n_skipped - _LISTED) > 0:
        click.echo(f"skipped: {more:,} more (--json lists them)", err=True)


def _say_how_to_go_on(records: Records, corpus: Corpus) -> None:
    chunks = records.chunks(corpus)
    share = chunks.scored_tokens / max(1, chunks.n_tokens)
    click.echo(
        f"interrupted: {share:.0%} of corpus {corpus.name} is scored; "
        f"'spectra-chat corpus refresh {corpus.name}' goes on",
        err=True,
    )


def _report(
    records: Records, corpus: Corpus, seen: Mapping[str, int], skipped: list[tuple[str, str]], as_json: bool
) -> None:
    chunks = records.chunks(corpus)
    if as_json:
        shown = {
            "name": corpus.name,
            "model": corpus.model,
            "seen": dict(seen),
            "scored_tokens": chunks.scored_tokens,
            "kept_tokens": chunks.kept_tokens,
            "skipped": [{"path": path, "reason": reason} for path, reason in skipped],
        }
        click.echo(json.dumps(shown))
        return
    left_out = ", ".join(
        counted(seen[key], one, more)
        for key, one, more in (
            ("copies", "copy", "copies"),
            ("repetition", "repetitive", "repetitive"),
            ("secrets", "with secrets", "with secrets"),
        )
        if seen.get(key)
    )
    click.echo(
        f"corpus {corpus.name}: {counted(seen['documents'], 'text')}, {counted(seen['tokens'], 'token')} "
        f"in {counted(seen['chunks'], 'chunk')}"
        + (f" ({left_out} left out)" if left_out else "")
        + f"; {chunks.kept_tokens:,} of {counted(chunks.scored_tokens, 'scored token')} kept",
        err=True,
    )

"""``corpus list`` and ``corpus remove``."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from spectra_local.chats.forgetting import remove_layer
from spectra_local.corpus.alone import alone
from spectra_local.corpus.records import Chunks, Corpus, Records
from spectra_local.counted import counted
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.printable import printable_line

_BAR = 30  # characters of the longest bar of a histogram


def corpus_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """For shell completion."""
    try:
        with _records() as records:
            return [corpus.name for corpus in records.all() if corpus.name.startswith(incomplete)]
    except SpectraError:
        return []


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
def list_(as_json: bool) -> None:
    """Show of each corpus the chunks seen, those kept, and how many there are of each perplexity."""
    with _records() as records:
        found = [(corpus, records.chunks(corpus)) for corpus in records.all()]
    if as_json:
        click.echo(json.dumps({"corpora": [_plain(corpus, chunks) for corpus, chunks in found]}, indent=2))
        return
    if not found:
        click.echo("there is no corpus yet; 'spectra-chat corpus add PATH' makes one", err=True)
    for number, (corpus, chunks) in enumerate(found):
        click.echo(("\n" if number else "") + _shown(corpus, chunks))


@click.command()
@click.argument("name", shell_complete=corpus_names)
def remove(name: str) -> None:
    """Erase a corpus: its text, its scores, and what was made from them."""
    with alone(), _records() as records:
        if records.named(name) is None:
            raise SpectraError(f"there is no corpus {printable_line(name)!r}; 'corpus list' shows those there are")
        remove_layer(records.store, name)
    click.echo(f"removed corpus {printable_line(name)}", err=True)


@contextmanager
def _records() -> Iterator[Records]:
    with closing(Database()) as database:
        if database.notice:
            click.echo(printable_line(database.notice), err=True)
        yield Records(Store(database))


def _plain(corpus: Corpus, chunks: Chunks) -> dict[str, Any]:
    finished = datetime.fromtimestamp(corpus.finished, UTC).isoformat() if corpus.finished else None
    return {
        "name": corpus.name,
        "paths": [str(path) for path in corpus.paths],
        "from_history": not corpus.paths,
        "model": corpus.model,
        "keep": corpus.keep,
        "max_tokens": corpus.max_tokens,
        "finished": finished,
        "seen": dict(corpus.seen),
        "chunks": chunks.n,
        "tokens": chunks.n_tokens,
        "scored_chunks": chunks.n_scored,
        "scored_tokens": chunks.scored_tokens,
        "kept_chunks": chunks.n_kept,
        "kept_tokens": chunks.kept_tokens,
        "missing_tokens": chunks.missing_tokens if corpus.finished else 0,
        "histogram": [{"below": below, "chunks": n, "kept": kept} for below, n, kept in chunks.histogram],
    }


def _shown(corpus: Corpus, chunks: Chunks) -> str:
    seen = corpus.seen
    sources = ", ".join(printable_line(str(path)) for path in corpus.paths) or "the model's own answers"
    still_there = (
        f", of which {chunks.kept_tokens:,} are still there" if corpus.finished and chunks.missing_tokens else ""
    )
    lines = [
        f"{printable_line(corpus.name)}{_state(corpus, chunks)}",
        f"  from     {sources}",
        f"  seen     {counted(seen.get('chunks', 0), 'chunk')}, {counted(seen.get('tokens', 0), 'token')} "
        f"in {counted(seen.get('documents', 0), 'text')}; {counted(seen.get('copies', 0), 'copy', 'copies')}, "
        f"{seen.get('repetition', 0):,} repetitive, {seen.get('secrets', 0):,} with secrets, "
        f"{counted(seen.get('skipped', 0), 'file')} skipped",
        f"  scored   {counted(chunks.n_scored, 'chunk')}, {counted(chunks.scored_tokens, 'token')} "
        f"by {printable_line(corpus.model)}",
        f"  kept     {counted(chunks.n_kept, 'chunk')}, "
        f"{counted(chunks.kept_tokens + chunks.missing_tokens, 'token')}{still_there} (keep {corpus.keep:g})",
    ]
    most = max((n for _, n, _ in chunks.histogram), default=0)
    if most:
        lines.append("  perplexity (#: kept)")
    for (below, n, kept), above in zip(chunks.histogram, [0, *(b for b, _, _ in chunks.histogram)], strict=False):
        if n:
            border = f"{above or 1:g} to {below:g}" if below is not None else f"above {above:g}"
            full, open_ = round(_BAR * kept / most), round(_BAR * n / most) - round(_BAR * kept / most)
            lines.append(f"  {border:>10}  {n:7,}  {'#' * full}{'.' * open_}")
    return "\n".join(lines)


def _state(corpus: Corpus, chunks: Chunks) -> str:
    if chunks.n_scored != chunks.n or not corpus.finished:
        return f"  unfinished: {chunks.scored_tokens / max(1, chunks.n_tokens):.0%} scored"
    if chunks.missing_tokens:
        share = chunks.missing_tokens / (chunks.missing_tokens + chunks.kept_tokens)
        return f"  hollow: {share:.0%} of its text was forgotten or damaged; 'corpus refresh' reads it again"
    return ""

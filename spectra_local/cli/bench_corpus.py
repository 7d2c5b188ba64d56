"""``bench --replay TRACE --corpus NAME``: a corpus of the store, filtered and not, against none."""

import json
import sys
from contextlib import closing
from pathlib import Path

import click
import numpy as np

from spectra_local.bench.corpora import Texts, corpora_table, replay_corpora
from spectra_local.bench.replay_contest import load_curve, load_trace
from spectra_local.cli.opening import model_path
from spectra_local.cli.options import WantedModel
from spectra_local.cli.status import StatusLine
from spectra_local.corpus.building import runs_of
from spectra_local.corpus.chunks import digest
from spectra_local.corpus.documents import Source, source_of
from spectra_local.corpus.records import Corpus, Records
from spectra_local.errors import SpectraError
from spectra_local.history.database import Database
from spectra_local.history.store import Store
from spectra_local.llama.model import Model
from spectra_local.printable import printable_line

_LOT = 1


def replay_corpus(trace: Path, curves: Path, curve: str, name: str, model: WantedModel, as_json: bool) -> int:
    """Prints a table, or one JSON object."""
    cost, runs = load_curve(curves, curve), load_trace(trace)
    with StatusLine(sys.stderr) as status:
        status.show("reading the corpus")
        corpora = _texts(name, model)
        speeds = replay_corpora(
            runs, cost, corpora, lambda what, done: status.show(f"replaying  {what}  {done} of {len(runs)}")
        )
    sizes = {which: sum(map(len, texts)) for which, texts in corpora.items()}
    if as_json:
        click.echo(json.dumps({"curve": curve, "corpus": name, "tokens": sizes, "speeds": speeds}))
    else:
        click.echo(corpora_table(curve, speeds))
        click.echo("tokens: " + ", ".join(f"{which} {n:,}" for which, n in sizes.items()))
    return 0


def _texts(name: str, model: WantedModel) -> dict[str, Texts]:
    """All that the corpus was chosen from, as it is on the disk now, and what is kept of it."""
    with closing(Database()) as database:
        records = Records(Store(database))
        corpus = records.named(name)
        if corpus is None or not corpus.finished:
            raise SpectraError(
                f"there is no finished corpus {printable_line(name)!r}; 'corpus list' shows those there are"
            )
        with closing(Model(model_path(model), vocabulary_only=True)) as vocabulary:
            if vocabulary.identity != corpus.scorer:
                raise SpectraError(f"corpus {name!r} was scored by {printable_line(corpus.model)}: choose it with -m")
            source = source_of(corpus.paths, records.store, vocabulary, vocabulary.header.tokenizer_fingerprint)
            filtered = _kept(records, corpus)
            size = sum(map(len, filtered))
            return {"unfiltered": _all(source), "filtered": filtered, "by lot": _by_lot(source, size)}


def _all(source: Source) -> Texts:
    return [document.tokens for document in source.documents(lambda path, reason: None)]


def _by_lot(source: Source, size: int) -> Texts:
    """Any chunks, about ``size`` tokens of them: what a filter must do better than."""
    documents = list(source.documents(lambda path, reason: None))
    chunks = [document.tokens[start:end] for document in documents for start, end in document.chunks]
    chosen = set[bytes]()
    for place in np.random.default_rng(_LOT).permutation(len(chunks)):
        if len(chunk := chunks[place]) <= size:
            size -= len(chunk)
            chosen.add(digest(chunk))
    return [document.tokens[start:end] for document in documents for start, end in runs_of(document, chosen)]


def _kept(records: Records, corpus: Corpus) -> Texts:
    return [turn.tokens.tolist() for turn in records.store.turns(layer=corpus.name)]

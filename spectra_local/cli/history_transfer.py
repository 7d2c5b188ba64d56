"""``spectra-chat history export|import|layers|remove``: the history goes to another machine and comes from one."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click

from spectra_local.byte_size import byte_size
from spectra_local.chats.forgetting import remove_layer
from spectra_local.cli.native_command import in_child
from spectra_local.cli.options import WantedModel, model_option
from spectra_local.cli.status import StatusLine
from spectra_local.counted import counted
from spectra_local.errors import SpectraError, UsageError
from spectra_local.history.database import Database
from spectra_local.history.exporting import Outgoing, Progress, Selection, choose, write
from spectra_local.history.importing import Vocabulary, import_file, read_head
from spectra_local.history.store import Store
from spectra_local.history.turn import OWN
from spectra_local.printable import printable_line

_SAMPLE_WIDTH = 100  # characters of a line of the preview


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--include-all", is_flag=True, help="Whole turns, secrets included, instead of what several chats share.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only turns since YYYY-MM-DD.")
@click.option("--conversation", "conversations", multiple=True, metavar="ID", help="Only this one; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would go out and write nothing.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before whole turns are exported.")
def export(
    file: Path,
    include_all: bool,
    since: datetime | None,
    conversations: tuple[str, ...],
    dry_run: bool,
    force: bool,
    yes: bool,
) -> None:
    """Write history to FILE.spectra, to be imported elsewhere.

    By default only text that occurs three times, in two conversations at least, and holds nothing that looks like a
    secret. Turns that were imported are never exported.
    """
    if file.exists() and not force and not dry_run:
        raise SpectraError(f"{printable_line(str(file))} exists; replace it with --force")
    selection = Selection(since.timestamp() if since else None, frozenset(conversations), include_all)
    with _store() as store:
        with _status("looking through the history") as progress:
            outgoing = choose(store, selection, progress)
        _preview(outgoing)
        if dry_run:
            click.echo("nothing was written (--dry-run)", err=True)
            return
        if outgoing.n_records and include_all:
            _confirm_whole_turns(yes)
        with _status(f"writing {file.name}") as progress:
            n_bytes = write(outgoing, file, overwrite=force, progress=progress)
    click.echo(f"wrote {printable_line(str(file))}: {byte_size(n_bytes)}", err=True)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", help="What to call the layer; by default the file's name.")
@model_option
@in_child
def import_(file: Path, name: str | None, model: WantedModel) -> None:
    """Add FILE.spectra as a layer of its own, for the tokenizer of the model in use."""
    read_head(file)  # what is no export needs no model
    with _store() as store, _vocabulary(model) as vocabulary, _status(f"importing {file.name}") as progress:
        imported = import_file(file, store, vocabulary, name, progress)
    click.echo(
        f"imported {counted(imported.n_turns, 'text')} as layer {imported.layer}, for the tokenizer of "
        f"{printable_line(vocabulary.model)}; 'spectra-chat history remove {imported.layer}' removes it",
        err=True,
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
@click.option("--off", multiple=True, metavar="NAME", help="Guess no more from this layer; it stays. May be repeated.")
@click.option("--on", multiple=True, metavar="NAME", help="Guess from it again. May be repeated.")
def layers(as_json: bool, off: tuple[str, ...], on: tuple[str, ...]) -> None:
    """List what guesses come from: the own history, every import and every corpus."""
    if both := set(off) & set(on):
        raise UsageError(f"'{printable_line(both.pop())}' cannot be both on and off")
    with _store() as store:
        if unknown := {*off, *on} - {layer.name for layer in store.layers()}:
            raise SpectraError(f"there is no layer '{printable_line(min(unknown))}'; nothing was switched")
        for name in (*off, *on):
            store.switch_layer(name, name in on)
        found = store.layers()
    if as_json:
        keys = ("name", "kind", "enabled", "turns", "tokens", "bytes")
        rows = [
            {key: getattr(layer, key) for key in keys}
            | {"created": datetime.fromtimestamp(layer.created, UTC).isoformat()}
            for layer in found
        ]
        click.echo(json.dumps({"layers": rows}, indent=2))
        return
    width = max(len("NAME"), *(len(layer.name) for layer in found))
    click.echo(f"{'NAME':{width}}  {'KIND':6}  {'TURNS':>9}  {'TOKENS':>11}  {'SIZE':>8}  SINCE")
    for layer in found:
        since = date.fromtimestamp(layer.created).isoformat() + ("" if layer.enabled else "  (off)")
        name = printable_line(layer.name)
        counts = f"{layer.turns:9,}  {layer.tokens:11,}  {byte_size(layer.bytes):>8}"
        click.echo(f"{name:{width}}  {layer.kind:6}  {counts}  {since}")


def _layer_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    try:
        with _store() as store:
            return [layer.name for layer in store.layers() if layer.name != OWN and layer.name.startswith(incomplete)]
    except SpectraError:
        return []


@click.command()
@click.argument("name", shell_complete=_layer_names)
def remove(name: str) -> None:
    """Erase an import or a corpus: all that came with it, and nothing else."""
    with _store() as store:
        n_turns = remove_layer(store, name)
    click.echo(f"removed layer {printable_line(name)}: {counted(n_turns, 'text')}", err=True)


@contextmanager
def _store() -> Iterator[Store]:
    database = Database()
    try:
        if database.notice:
            click.echo(printable_line(database.notice), err=True)
        yield Store(database)
    finally:
        database.close()


@contextmanager
def _vocabulary(model: WantedModel) -> Iterator[Vocabulary]:
    """The tokenizer of the model that ``-m`` names, or of the default one; its weights are not loaded."""
    from spectra_local.catalogue.naming import name_of
    from spectra_local.cli.opening import model_path
    from spectra_local.llama.model import Model  # native code: not for listing layers

    path = model_path(model)
    loaded = Model(path, vocabulary_only=True)
    try:
        fingerprint = loaded.header.tokenizer_fingerprint
        yield Vocabulary(
            name_of(path, loaded.header.name), fingerprint, loaded.n_vocab, loaded.tokenize, text=loaded.text
        )
    finally:
        loaded.close()


@contextmanager
def _status(what: str) -> Iterator[Progress]:
    with StatusLine(sys.stderr) as status:
        yield lambda share: status.show(f"{what}  {share:4.0%}")


def _preview(outgoing: Outgoing) -> None:
    """What goes out, on stdout: it is what the user asked for."""
    if outgoing.whole_turns:
        click.echo(f"{counted(outgoing.n_records, 'whole turn')}, {byte_size(outgoing.n_bytes)} of text")
    else:
        click.echo(
            f"{counted(outgoing.n_records, 'shared text')}, {byte_size(outgoing.n_bytes)}, out of "
            f"{counted(outgoing.n_turns, 'turn')} in {counted(outgoing.n_conversations, 'conversation')}"
        )
    if outgoing.withheld:
        kinds = ", ".join(f"{kind}: {n}" for kind, n in sorted(outgoing.withheld.items()))
        click.echo(f"withheld with all text around them: {kinds}")
    for sample in outgoing.samples:
        line = printable_line(sample)
        click.echo("  " + (line if len(line) <= _SAMPLE_WIDTH else line[: _SAMPLE_WIDTH - 1] + "…"))


def _confirm_whole_turns(yes: bool) -> None:
    click.echo("warning: whole turns hold everything you and the model wrote, passwords and names included", err=True)
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SpectraError("whole turns are exported when you say so: add --yes")
    if not click.confirm("Export them?", err=True):
        raise SpectraError("nothing was exported")

"""Slash commands about whole conversations."""

from pathlib import Path
from typing import TYPE_CHECKING

from spectra_local.chats.records import Tree
from spectra_local.errors import SpectraError, StoreError
from spectra_local.named_path import named_path
from spectra_local.printable import printable_line
from tui.candidates import MOST_SHOWN, files, matching
from tui.commands.registry import Command
from tui.state import Chat

if TYPE_CHECKING:
    from tui.screens.chat import ChatScreen


_KINDS = {"": "md", "md": "md", "markdown": "md", "json": "json"}  # what may be typed, and what is written


async def _new(chat: "ChatScreen", _: str) -> None:
    await chat.new_chat()


async def _incognito(chat: "ChatScreen", _: str) -> None:
    await chat.new_chat(incognito=True)


def _chats(chat: "ChatScreen", words: str) -> None:
    chat.list_chats(words)


def _save(chat: "ChatScreen", title: str) -> None:
    chat.save()
    conversation = chat.state.chat
    if conversation.incognito:
        chat.hint("This chat is incognito: it is not saved. /export writes it to a file.")
    elif conversation.id is None:
        chat.hint("There is nothing to save yet.")
    elif not title:
        chat.hint(f'Chats are saved as they happen; this one is "{printable_line(conversation.title)}".')
    else:
        try:
            chat.archive.store.rename(conversation.id, title)
        except StoreError as error:
            chat.hint(printable_line(str(error)))
            return
        conversation.title, conversation.titled = title, True
        chat.hint(f'Saved as "{printable_line(title)}".')


async def _duplicate(chat: "ChatScreen", _: str) -> None:
    chat.save()
    if chat.state.chat.id is None:
        chat.hint("There is nothing to copy yet.")
        return
    try:
        copy = chat.archive.store.duplicate(chat.state.chat.id)
    except StoreError as error:
        chat.hint(printable_line(str(error)))
        return
    await chat.open_chat(copy)
    chat.hint("This is the copy; the original stays as it is.")


def _forget(chat: "ChatScreen", _: str) -> None:
    from tui.screens.confirm import ConfirmScreen

    async def sure(yes: bool | None) -> None:
        if not yes:
            return
        saved = chat.state.chat.id
        await chat.show_chat(Chat())
        if saved is not None:
            chat.delete_chat(saved)
        chat.hint("The chat is being erased from this machine's list and files.")

    words = "All messages and branches of it are deleted. That cannot be undone."
    chat.app.push_screen(ConfirmScreen("Forget this chat?", words, "Forget"), sure)


def _export(chat: "ChatScreen", wanted: str) -> None:
    from spectra_local.chats import transfer

    chat.save()
    kind = _KINDS.get((Path(wanted).suffix[1:] or wanted).lower())
    if kind is None:
        chat.hint("/export writes md or json: name one of them, or a file that ends so.")
        return
    try:
        tree = chat.archive.tree(chat.state.chat)
        if not tree.messages:
            chat.hint("There is nothing to export yet.")
        elif not Path(wanted).suffix:
            _tell_written(chat, transfer.write(tree, Path.cwd(), kind))
        elif (path := named_path(wanted)).exists():
            _ask_to_replace(chat, tree, path, kind)
        else:
            transfer.write_to(tree, path, kind)
            _tell_written(chat, path)
    except SpectraError as error:
        chat.hint(printable_line(str(error)))


def _ask_to_replace(chat: "ChatScreen", tree: Tree, path: Path, kind: str) -> None:
    from spectra_local.chats import transfer
    from tui.screens.confirm import ConfirmScreen

    def sure(yes: bool | None) -> None:
        if not yes:
            return
        try:
            transfer.write_to(tree, path, kind, replace=True)
            _tell_written(chat, path)
        except SpectraError as error:
            chat.hint(printable_line(str(error)))

    words = f"{printable_line(path.name)} is there already."
    chat.app.push_screen(ConfirmScreen("Replace the file?", words, "Replace"), sure)


def _tell_written(chat: "ChatScreen", path: Path) -> None:
    chat.hint(f"Written to {printable_line(str(path))}")


async def _import(chat: "ChatScreen", name: str) -> None:
    from spectra_local.chats import transfer

    try:
        saved = chat.archive.store.insert(transfer.read(named_path(name)))
    except SpectraError as error:
        chat.hint(printable_line(str(error)))
        return
    await chat.open_chat(saved)
    if chat.state.chat.own.system:
        chat.hint("This chat came with a system prompt: /system shows it, /system default is without it.")


def _titles(chat: "ChatScreen", typed: str) -> list[str]:
    return [printable_line(title) for title in chat.archive.store.titles(typed, MOST_SHOWN)]


def _kinds(_: "ChatScreen", typed: str) -> list[str]:
    return matching(("md", "json"), typed)


COMMANDS = (
    Command("new", "begin an empty conversation", _new, also=("clear", "reset")),
    Command("chats", "saved chats: open, search, rename, delete", _chats, "[WORDS]", values=_titles),
    Command("search", "find words in all chats", _chats, "WORDS"),
    Command("save", "give this chat a title", _save, "[TITLE]"),
    Command("duplicate", "go on in a copy of this chat", _duplicate),
    Command(
        "export",
        "write this chat to a file here",
        _export,
        "[md|json|FILE]",
        values=_kinds,
    ),
    Command("import", "open a chat that was exported", _import, "FILE", values=lambda _, typed: files(typed)),
    Command("incognito", "a chat that never touches the disk", _incognito),
    Command("forget", "delete this chat for good", _forget),
)

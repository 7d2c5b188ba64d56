"""A chat as a file that people can read (Markdown) or programs can (JSON), and back.

JSON carries every branch. Markdown carries the branch that is shown; invisible comments with a key that occurs nowhere
in the text part its messages, so that a message may hold any heading and still comes back whole.
"""

import json
import os
import re
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spectra_local.byte_size import byte_size
from spectra_local.chats.records import NOTHING_CHOSEN, UNREADABLE, Attachment, SavedMessage, Tree
from spectra_local.errors import SpectraError

FORMAT, VERSION = "spectra-chat chat", 1
MOST_BYTES = 64 << 20  # of an import; a chat of ten thousand long messages is half of it
_NAME_CHARACTERS = 40
_HEADINGS = {"user": "You", "assistant": "Assistant"}
_FIRST = re.compile(r"<!-- spectra-chat (\w+) -->\n# (.*)\n")


def to_json(tree: Tree) -> str:
    """All branches."""
    body = {"format": FORMAT, "version": VERSION, "title": tree.title, "leaf": tree.leaf}
    if tree.own != NOTHING_CHOSEN:
        body["own"] = tree.own
    return json.dumps(body | {"messages": [asdict(m) for m in tree.messages]}, ensure_ascii=False, indent=1) + "\n"


def to_markdown(tree: Tree) -> str:
    """The branch that ends with ``leaf``."""
    branch = branch_of(tree)
    everything = tree.title + "".join(m.text + "".join(f.text for f in m.files) for m in branch)
    while (key := secrets.token_hex(4)) in everything:
        pass
    parts = [f"<!-- spectra-chat {key} -->\n# {' '.join(tree.title.split())}\n"]
    for message in branch:
        parts.append(f"\n<!-- {key} {message.role} -->\n## {_HEADINGS[message.role]}\n\n{message.text}\n")
        parts += [f"\n<!-- {key} file -->\n### {file.name}\n\n{file.text}\n" for file in message.files]
    return "".join(parts)


def branch_of(tree: Tree) -> list[SavedMessage]:
    """The messages from the first to ``leaf``."""
    by_id, branch, at = {m.id: m for m in tree.messages}, [], tree.leaf
    while at is not None:
        branch.append(by_id[at])
        at = by_id[at].parent
    return branch[::-1]


def parse(text: str) -> Tree:
    """A file of ours, whichever it is. Raises SpectraError."""
    if first := _FIRST.match(text):
        return _from_markdown(text[first.end() :], key=first[1], title=first[2])
    try:
        return _from_json(json.loads(text))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise SpectraError("this is no chat that spectra-chat exported: nothing was imported") from error


def _from_json(body: Any) -> Tree:
    if body["format"] != FORMAT:
        raise ValueError("another format")
    if body["version"] > VERSION:
        raise SpectraError("this chat was exported by a newer version of spectra-chat: update to import it")
    messages: list[SavedMessage] = []
    known: set[int | None] = {None}
    for item in body["messages"]:
        files = tuple(Attachment(_text(file["name"]), _text(file["text"])) for file in item["files"])
        message = SavedMessage(
            int(item["id"]),
            item["parent"],
            item["role"],
            _text(item["text"]),
            outcome=_text(item["outcome"]),
            files=files,
        )
        if message.parent not in known or message.id in known or message.role not in _HEADINGS:
            raise ValueError("the messages do not hang together")
        known.add(message.id)
        messages.append(message)
    if body["leaf"] not in known:
        raise ValueError("the last message is missing")
    own = body.get("own", NOTHING_CHOSEN)
    own = own if isinstance(own, str) else UNREADABLE  # what was said is of use without
    return Tree(_text(body["title"]), tuple(messages), body["leaf"], own=own)


def _from_markdown(text: str, *, key: str, title: str) -> Tree:
    pieces = re.split(rf"^<!-- {key} (user|assistant|file) -->\n##+ (.*)\n\n", text, flags=re.MULTILINE)
    messages: list[SavedMessage] = []
    for n, (kind, heading, body) in enumerate(zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True), 1):
        content = body.removesuffix("\n" if 3 * n + 1 == len(pieces) else "\n\n")
        if kind != "file":
            number = len(messages) + 1
            role: Any = kind
            messages.append(SavedMessage(number, number - 1 or None, role, content))
        elif messages:
            last = messages[-1]
            files = (*last.files, Attachment(heading, content))
            messages[-1] = SavedMessage(last.id, last.parent, last.role, last.text, outcome=last.outcome, files=files)
    return Tree(title, tuple(messages), len(messages) or None)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def write(tree: Tree, folder: Path, kind: str = "md") -> Path:
    """Writes a new file (0600) into ``folder``, named after the title; never over another. Raises SpectraError."""
    stem = re.sub(r"[^\w-]+", "-", tree.title)[:_NAME_CHARACTERS].strip("-") or "chat"
    for number in range(1, 1000):
        path = folder / (f"{stem}.{kind}" if number == 1 else f"{stem}-{number}.{kind}")
        if write_to(tree, path, kind):
            return path
    raise SpectraError(f"{folder} has a thousand exports of this name already: move some away")


def write_to(tree: Tree, path: Path, kind: str = "md", *, replace: bool = False) -> bool:
    """Writes the file (0600), whole or not at all; False where there is one and it is not to be replaced. Raises
    SpectraError."""
    text = to_json(tree) if kind == "json" else to_markdown(tree)
    data = text.encode("utf-8", "replace")
    written = path.with_name(f".{path.name}.{os.getpid()}.tmp") if replace else path
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        written.replace(path)
    except FileExistsError:
        return False
    except OSError as error:
        raise SpectraError(f"cannot write {path}: {error.strerror}") from error
    return True


def read(path: Path) -> Tree:
    """The chat in a file. Raises SpectraError."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SpectraError(f"{path} has {byte_size(size)}; a chat has at most {byte_size(MOST_BYTES)}")
        with path.open(encoding="utf-8", newline="") as file:
            return parse(file.read())
    except OSError as error:
        raise SpectraError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpectraError(f"{path} is no text file: nothing was imported") from error

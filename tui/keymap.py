"""A user's own keys over the app's: which bindings there are, which choices make sense. Knows no file and no screen."""

from collections.abc import Mapping

from spectra_local.printable import printable_line
from tui.keys import APP_KEYS, CHAT_KEYS, CHATS_KEYS, COMPOSER_KEYS, DIFF_KEYS, EDITOR_KEYS, SEARCH_KEYS, Key

# What can be pressed at the same time: a key may mean different things on different screens.
_SCOPES = (COMPOSER_KEYS + CHAT_KEYS + APP_KEYS, CHATS_KEYS + APP_KEYS, EDITOR_KEYS + SEARCH_KEYS + APP_KEYS, DIFF_KEYS)


def keymap(chosen: Mapping[str, str], send: str = "enter") -> tuple[dict[str, str], list[str]]:
    """Textual's keymap (binding id -> keys), and one line for each choice that cannot be used.

    Where another key than enter sends, enter breaks the line; ctrl+j does so always.
    """
    known = {key.id: key for scope in _SCOPES for key in scope}
    keys: dict[str, str] = {}
    notices = []
    if send != "enter":
        keys["composer.send"] = send
        keys["composer.newline"] = "enter,shift+enter,ctrl+j,alt+enter"
    for name, wanted in chosen.items():
        if name not in known:
            notices.append(printable_line(f"keys: there is no binding '{name}'; there are {_like(name, known)}"))
        elif not _usable(wanted):
            notices.append(printable_line(f"keys.{name}: '{wanted}' is no key"))
        else:
            keys[name] = wanted
    for scope in _SCOPES:
        taken: dict[str, str] = {}
        for key in scope:
            for one in keys.get(key.id, key.keys).split(","):
                if (other := taken.setdefault(one, key.id)) != key.id and (key.id in keys or other in keys):
                    notice = printable_line(f"keys: {one} is both {other} and {key.id}; the first counts")
                    notices += [notice] if notice not in notices else []
    return keys, notices


def shown(key: Key, keys: Mapping[str, str]) -> str:
    """How the key is written in help, with the user's choice in its place."""
    return keys[key.id].partition(",")[0] if key.id in keys else key.shown


def key_of(command: str, keys: Mapping[str, str]) -> str:
    """The key that does what a slash command does, "" where there is none."""
    return next((shown(key, keys) for key in CHAT_KEYS if key.action == f"command('{command}')"), "")


def _like(name: str, known: Mapping[str, Key]) -> str:
    """The bindings of the same screen, or the screens."""
    screen = name.partition(".")[0] + "."
    same = [one for one in known if one.startswith(screen)]
    return ", ".join(same or sorted({f"{one.partition('.')[0]}.…" for one in known}))


def _usable(keys: str) -> bool:
    """Names of keys as Textual writes them: letters, digits, underscores, joined by + and parted by commas."""
    return all(
        part.isascii() and part.replace("_", "").isalnum() for one in keys.split(",") for part in one.strip().split("+")
    )

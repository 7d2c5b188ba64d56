"""A user's own keys over the app's: which bindings there are, which choices make sense. Knows no file and no screen."""

from collections.abc import Mapping

from spectra_local.printable import printable_line
from tui.keys import APP_KEYS, CHAT_KEYS, COMPOSER_KEYS, Key

_ALL = COMPOSER_KEYS + CHAT_KEYS + APP_KEYS


def keymap(chosen: Mapping[str, str], send: str = "enter") -> tuple[dict[str, str], list[str]]:
    """Textual's keymap (binding id -> keys), and one line for each choice that cannot be used.

    Where another key than enter sends, enter breaks the line; ctrl+j does so always.
    """
    known = {key.id: key for key in _ALL}
    keys: dict[str, str] = {}
    notices = []
    if send != "enter":
        keys["composer.send"] = send
        keys["composer.newline"] = "enter,shift+enter,ctrl+j,alt+enter"
    for name, wanted in chosen.items():
        if name not in known:
            notices.append(printable_line(f"keys: there is no binding '{name}'"))
        elif not _usable(wanted):
            notices.append(printable_line(f"keys.{name}: '{wanted}' is no key"))
        else:
            keys[name] = wanted
    taken: dict[str, str] = {}
    for key in _ALL:
        for one in keys.get(key.id, key.keys).split(","):
            if (other := taken.setdefault(one, key.id)) != key.id and (key.id in keys or other in keys):
                notices.append(printable_line(f"keys: {one} is both {other} and {key.id}; the first counts"))
    return keys, notices


def shown(key: Key, keys: Mapping[str, str]) -> str:
    """How the key is written in help, with the user's choice in its place."""
    return keys[key.id].partition(",")[0] if key.id in keys else key.shown


def _usable(keys: str) -> bool:
    """Names of keys as Textual writes them: letters, digits, underscores, joined by + and parted by commas."""
    return all(
        part.isascii() and part.replace("_", "").isalnum() for one in keys.split(",") for part in one.strip().split("+")
    )

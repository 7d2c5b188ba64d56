"""Every key of the app, once: bindings, hints and the help page are made from this table.

Each has an id, so that a user's keymap can move it.
"""

from dataclasses import KW_ONLY, dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does. ``keys`` is Textual's comma-separated list, ``shown`` how people write it.

    ``action``: of the screen it belongs to; "command('retry')" is the slash command of that name.
    """

    id: str
    keys: str
    shown: str
    action: str
    _: KW_ONLY
    words: str

    def binding(self) -> Binding:
        """As Textual wants it; with priority, since the input box would otherwise take some of them."""
        return Binding(self.keys, self.action, self.words, id=self.id, show=False, priority=True)


COMPOSER_KEYS = (
    Key("composer.send", "enter", "enter", "send", words="send"),
    Key("composer.newline", "shift+enter,ctrl+j,alt+enter", "ctrl+j", "newline", words="new line (also shift+enter)"),
    Key("composer.complete", "tab", "tab", "complete", words="take the completion that is marked"),
    Key("composer.undo", "ctrl+underscore,alt+z", "alt+z", "undo", words="undo typing"),
    Key("composer.redo", "alt+y", "alt+y", "redo", words="redo typing"),
)
CHAT_KEYS = (
    Key("chat.stop", "escape", "esc", "stop", words="stop the answer, keep what has come"),
    Key("chat.retry", "ctrl+r", "ctrl+r", "command('retry')", words="another answer, drawn at temperature 0.7"),
    Key("chat.copy", "ctrl+y", "ctrl+y", "command('copy')", words="copy the last answer"),
    Key("chat.list", "ctrl+o", "ctrl+o", "command('chats')", words="saved chats: open, search, rename, delete"),
    Key("chat.edit", "alt+up", "alt+up", "command('edit')", words="edit your last message; again for the one before"),
    Key(
        "chat.branch_before",
        "alt+left",
        "alt+left",
        "branch(-1)",
        words="the branch before, where a message was edited",
    ),
    Key("chat.branch_after", "alt+right", "alt+right", "branch(1)", words="the branch after"),
    Key("chat.editor", "ctrl+g", "ctrl+g", "external_editor", words="write in your own editor ($VISUAL, $EDITOR)"),
    Key("chat.tint", "ctrl+t", "ctrl+t", "command('tint')", words="colour answers by what was guessed from where"),
    Key("chat.new", "ctrl+n", "ctrl+n", "command('new')", words="new chat"),
    Key("chat.up", "pageup", "pgup", "page_up", words="scroll up"),
    Key("chat.down", "pagedown", "pgdn", "page_down", words="scroll down"),
    Key("chat.top", "ctrl+home", "ctrl+home", "to_top", words="to the beginning"),
    Key("chat.bottom", "ctrl+end", "ctrl+end", "to_bottom", words="to the newest"),
    Key("chat.interrupt", "ctrl+c", "ctrl+c", "interrupt", words="copy the selection, stop, or clear; twice to quit"),
    Key("chat.end", "ctrl+d", "ctrl+d", "end", words="quit, with nothing typed"),
)
CHATS_KEYS = (
    Key("chats.up", "up", "up", "move(-1)", words="the line above"),
    Key("chats.down", "down", "down", "move(1)", words="the line below"),
    Key("chats.page_up", "pageup", "pgup", "move(-10)", words="ten lines up"),
    Key("chats.page_down", "pagedown", "pgdn", "move(10)", words="ten lines down"),
    Key("chats.rename", "ctrl+r", "ctrl+r", "rename", words="rename"),
    Key("chats.delete", "delete,ctrl+d", "del", "delete", words="delete"),
    Key("chats.close", "escape", "esc", "close", words="back to the chat"),
)
EDITOR_KEYS = (
    Key("editor.accept", "tab", "tab", "accept", words="take the suggestion; without one, indent"),
    Key("editor.accept_line", "shift+tab", "shift+tab", "accept_line", words="take a line of it"),
    Key("editor.accept_word", "ctrl+right", "ctrl+right", "accept_word", words="take a word of it"),
    Key("editor.suggest", "ctrl+@,ctrl+space,f5", "ctrl+space", "suggest", words="suggest something here (also f5)"),
    Key("editor.next", "alt+n", "alt+n", "another(1)", words="another suggestion"),
    Key("editor.previous", "alt+p", "alt+p", "another(-1)", words="the suggestion before"),
    Key("editor.rewrite", "ctrl+r", "ctrl+r", "rewrite", words="rewrite the selection, or all, by an instruction"),
    Key("editor.refuse", "escape", "esc", "refuse", words="refuse the suggestion, stop the model"),
    Key("editor.search", "ctrl+f", "ctrl+f", "search", words="search in the file"),
    Key("editor.undo", "ctrl+underscore,alt+z", "alt+z", "undo", words="undo"),
    Key("editor.redo", "alt+y", "alt+y", "redo", words="redo"),
    Key("editor.top", "ctrl+home", "ctrl+home", "to_top", words="to the first line"),
    Key("editor.bottom", "ctrl+end", "ctrl+end", "to_bottom", words="to the last line"),
    Key("editor.save", "ctrl+s", "ctrl+s", "save", words="save the file"),
    Key("editor.reload", "f6", "f6", "reload", words="read the file from the disk again"),
    Key("editor.close", "alt+q,f10", "alt+q", "close", words="close the file"),
)
SEARCH_KEYS = (
    Key("search.next", "enter,down", "enter", "step(1)", words="in a search: the next place"),
    Key("search.previous", "shift+enter,up", "up", "step(-1)", words="in a search: the place before"),
)
DIFF_KEYS = (
    Key("diff.accept", "enter,y", "enter", "accept", words="accept the change"),
    Key("diff.refuse", "escape,n", "esc", "refuse", words="leave the text as it was"),
)
APP_KEYS = (
    Key("app.help", "f1", "f1", "help", words="this page"),
    Key("app.theme", "f2", "f2", "toggle_theme", words="light or dark"),
    Key("app.palette", "ctrl+p", "ctrl+p", "command_palette", words="all commands"),
    Key("app.suspend", "ctrl+z", "ctrl+z", "suspend_process", words="to the shell; fg comes back"),
    Key("app.quit", "ctrl+q", "ctrl+q", "quit", words="quit"),
)


def bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    """The keys as a ``BINDINGS`` list."""
    return [key.binding() for key in keys]

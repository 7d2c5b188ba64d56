"""What can be typed after a slash. One table feeds dispatch, help, completion and the palette.

To add a command: write a ``Command`` in one of these files, or a new one, and name the file's table here.
"""

from tui.commands import chats, choosing, copying, corpus, files, program, writing
from tui.commands.registry import Command, Registry

COMMANDS = Registry(
    (
        *chats.COMMANDS,
        *writing.COMMANDS,
        *copying.COMMANDS,
        *choosing.COMMANDS,
        *files.COMMANDS,
        *corpus.COMMANDS,
        *program.COMMANDS,
    )
)

__all__ = ["COMMANDS", "Command", "Registry"]

"""Options before the command are those behind it: ``spectra-chat -m X edit F`` is ``spectra-chat edit -m X F``."""

import click


def hoisted(root: click.Group, arguments: list[str]) -> list[str]:
    """``arguments`` with the command first, where all that stood before it are options of that command.

    Otherwise they are returned as they are, and ``root`` finds what is wrong with them.
    """
    context = click.Context(root)
    for i, word in enumerate(arguments):
        if word == "--":
            break
        command = root.get_command(context, word)
        if command is None:
            continue
        n_words = 1
        while isinstance(command, click.Group) and i + n_words < len(arguments):
            below = command.get_command(click.Context(command), arguments[i + n_words])
            if below is None:
                break
            command, n_words = below, n_words + 1
        if _are_options(command, arguments[:i]):  # else the word may be an option's value
            return [*arguments[i : i + n_words], *arguments[:i], *arguments[i + n_words :]]
    return arguments


def _are_options(command: click.Command, arguments: list[str]) -> bool:
    try:
        _, left, _ = command.make_parser(click.Context(command)).parse_args(list(arguments))
    except click.UsageError:
        return False
    return not left

"""``spectra-chat completion SHELL``: the script that makes a shell complete commands, options and model names."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash, put this into ~/.bashrc:  eval "$(spectra-chat completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None
    root = context.find_root()
    name = root.info_name or "spectra-chat"
    click.echo(found(root.command, {}, name, f"_{name.upper().replace('-', '_')}_COMPLETE").source())

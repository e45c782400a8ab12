"""`citycloud completion`: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from infra.cli.output import emit, output_option

INSTALLATION = {
    "bash": 'eval "$(citycloud completion bash)"      # in ~/.bashrc',
    "zsh": 'eval "$(citycloud completion zsh)"       # in ~/.zshrc',
    "fish": "citycloud completion fish | source       # in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(INSTALLATION.values()))
@click.argument("shell", type=click.Choice(list(INSTALLATION)))
@output_option
def completion(shell: str, output: str) -> None:
    """Print the shell's completion script.

    Put one of the lines below into your shell's start-up file.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click has no completion for {shell}")
    root = click.get_current_context().find_root().command
    script = found(root, {}, "citycloud", "_CITYCLOUD_COMPLETE").source()
    emit(output, {"shell": shell, "script": script, "install": INSTALLATION[shell]}, lambda: script)

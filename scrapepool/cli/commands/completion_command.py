"""``scrapepool completion``: the script that completes commands, options and values in a shell."""

from __future__ import annotations

import click

from ..exits import Exit
from ..parameters.grouped_options import COMPLETE, GroupedCommand
from ..standard_streams import echo

SHELLS = ("bash", "zsh", "fish")

EPILOG = """\b
To complete in every new shell:
  bash  scrapepool completion bash > ~/.local/share/bash-completion/completions/scrapepool.bash
  zsh   scrapepool completion zsh > ~/.zfunc/_scrapepool    (a folder of $fpath, before compinit)
  fish  scrapepool completion fish > ~/.config/fish/completions/scrapepool.fish"""


@click.command(cls=GroupedCommand, epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    It completes commands, options, their values, file names, the columns of a list for --url-field, and error classes.
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - a quick --help needs none of it

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - Click has all three
    root = ctx.find_root()
    made = kind(root.command, {}, root.info_name or "", COMPLETE)
    script = made.source_template % made.source_vars()  # its own source() starts a bash to learn its version
    echo(script.replace('string split ","', 'string split --max 1 ","'))  # fish: names with commas between them are one
    return Exit.OK

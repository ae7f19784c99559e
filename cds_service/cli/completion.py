"""`cds-service completion`: completion of commands and options in a shell."""

import click
from click.shell_completion import get_completion_class

from cds_service.cli.exit_codes import exit_codes

_PROGRAM = "cds-service"
_VARIABLE = "_CDS_SERVICE_COMPLETE"


@click.command("completion", epilog=exit_codes())
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash, in ~/.bashrc:  eval "$(cds-service completion bash)"
    zsh, in ~/.zshrc:    eval "$(cds-service completion zsh)"
    fish:  cds-service completion fish > ~/.config/fish/completions/cds-service.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"This version of click does not complete in {shell}.")
    click.echo(kind(context.find_root().command, {}, _PROGRAM, _VARIABLE).source())

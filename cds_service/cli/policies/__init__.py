"""`cds-service policies …`: for the people who write and read policy texts."""

import click

from cds_service.cli.policies.checking import coverage_command, lint_command, lock_command, test_command
from cds_service.cli.policies.comparing import diff_command
from cds_service.cli.policies.reading import list_command, operators_command, show_command

policies = click.Group(
    "policies",
    help="Read, check and compare the policy texts.",
    commands=[
        list_command,
        show_command,
        operators_command,
        lint_command,
        test_command,
        coverage_command,
        diff_command,
        lock_command,
    ],
)
"""The commands under `cds-service policies`."""

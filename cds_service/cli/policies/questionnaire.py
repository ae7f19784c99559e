"""`cds-service policies questionnaire`: the form of a revision."""

from collections.abc import Sequence
from pathlib import Path

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.policies.folders import FOLDER, settings_with
from cds_service.cli.policies.lookup import library_of, policy_named
from cds_service.hooks.response import canonical_base_of
from coverage_policies.questionnaires.questionnaire import questionnaire
from fhir_mappings.fhir_json import dumps


@click.command("questionnaire", epilog=exit_codes())
@click.argument("policy")
@FOLDER
def questionnaire_command(policy: str, folders: Sequence[Path]) -> None:
    """Print the form of POLICY as a FHIR R4 Questionnaire.

    POLICY is a revision such as CP.MP.126@2025-04, or a policy such as CP.MP.126, which is its newest revision. The
    canonical starts with CDS_CANONICAL_BASE, or with CDS_PUBLIC_URL.
    """
    settings = settings_with(folders)
    found = policy_named(library_of(settings), policy)
    click.echo(dumps(questionnaire(found, canonical_base_of(settings)), indent=2))

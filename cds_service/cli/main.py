"""The command line: the tree of commands, each of which is imported when it runs."""

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.lazy import LazyCommand, lazy_group
from cds_service.cli.version import version_line

_CLI = "cds_service.cli"


def _print_version(context: click.Context, _option: click.Parameter, is_given: bool) -> None:
    if is_given and not context.resilient_parsing:
        click.echo(version_line())
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=exit_codes())
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and the git commit, and exit.",
)
def main() -> None:
    """Judge orders against payers' medical-necessity policies, criterion by criterion, over CDS Hooks."""


for _name, _help in {
    "serve": "Serve CDS Hooks until stopped by a signal.",
    "demo": "Start the service and the sample EHR on this machine, and run sample orders through both.",
    "selfcheck": "Check the server at URL, any CDS Hooks server, against CDS Hooks, Da Vinci CRD, and Da Vinci DTR.",
    "evaluate": "Judge the orders of a CDS Hooks REQUEST and print one determination per order and revision.",
    "completion": "Print the script that completes commands and options in a shell.",
    "replay": "Judge a recorded call again and compare input, policy, and answer by their hashes.",
}.items():
    main.add_command(LazyCommand(_name, f"{_CLI}.{_name}:{_name}_command", _help))

main.add_command(
    lazy_group(
        "policies",
        "Write, read, check, and compare policies.",
        f"{_CLI}.policies",
        {
            "new": ("new:new_command", "Start the policy NAME: a document, its cases, and value sets to fill in."),
            "list": (
                "listing:list_command",
                "List the policies: owner, lines of business, and the days on which the plan applies each.",
            ),
            "show": ("show:show_command", "Show how POLICY judges an order, criterion by criterion."),
            "questionnaire": (
                "questionnaire:questionnaire_command",
                "Print the form of POLICY as a FHIR R4 Questionnaire.",
            ),
            "operators": (
                "operators:operators_command",
                "List the operators, or explain the one named NAME with its arguments and an example.",
            ),
            "lint": (
                "lint:lint_command",
                "Find mistakes in policies and value sets, each with its place and how to fix it.",
            ),
            "test": ("cases:test_command", "Run the cases of all policies, or of those that TARGET names."),
            "try": (
                "trial:try_command",
                "Show the card and the questions of the policy NAME for a sample patient, or for a chart.",
            ),
            "cases": (
                "reference:cases_command",
                "List the keys of a case and the kinds of facts, or explain KIND with its keys and an example.",
            ),
            "reasons": (
                "reference:reasons_command",
                "List the statuses, reasons, and outcomes of determinations, with what each means.",
            ),
            "import-valueset": (
                "import_valueset:import_valueset_command",
                "Write a value set from the FHIR ValueSet, VSAC download, or table in SOURCE.",
            ),
            "coverage": (
                "coverage:coverage_command",
                "Print which codes of a file no policy answers, and which policy and section answers the others.",
            ),
            "diff": ("diff:diff_command", "Print what changed from BEFORE to AFTER, criterion by criterion."),
            "lock": (
                "lock:lock_command",
                "Release the editions of your policies: write them into the lock, with today's date.",
            ),
        },
    )
)
main.add_command(
    lazy_group(
        "clients",
        "Register the EHRs that may call the service, and check their keys.",
        _CLI,
        {
            "add": (
                "clients:add_command",
                "Register the EHR NAME at the end of the clients file, and keep the comments in it.",
            ),
            "list": ("clients:list_command", "List the EHRs that may call the service."),
            "check": (
                "clients:check_command",
                "Fetch or read the keys of every client, or of those named, and print them.",
            ),
        },
    )
)
main.add_command(
    lazy_group(
        "db",
        "Look after the database of decisions and feedback.",
        _CLI,
        {
            "upgrade": ("database:upgrade_command", "Bring the schema up to date."),
            "check": (
                "database:check_command",
                "Check that the database can be read and its schema fits this version.",
            ),
            "purge": (
                "database:purge_command",
                "Delete old decisions with their cards and feedback, and record that they were deleted.",
            ),
        },
    )
)
main.add_command(
    lazy_group(
        "decisions",
        "Read the decision log.",
        _CLI,
        {
            "show": ("decisions:show_command", "Print one decision as JSON."),
            "export": (
                "decisions:export_command",
                "Print decisions, one JSON object per line, in the shape of Open Policy Agent's decision log.",
            ),
        },
    )
)
main.add_command(
    lazy_group(
        "feedback",
        "See which cards clinicians accepted and overrode.",
        _CLI,
        {"report": ("feedback:report_command", "Print acceptance and override reasons per policy and criterion.")},
    )
)
main.add_command(
    lazy_group(
        "crd",
        "Read the records of Da Vinci CRD, and delete those that have expired.",
        _CLI,
        {
            "list": (
                "crd:list_command",
                "Print the stored exchanges, one JSON object per line, without anything of a patient.",
            ),
            "exchange": ("crd:exchange_command", "Print the request and the response of a call."),
            "assertion": ("crd:assertion_command", "Print the coverage assertion ID as it was issued last."),
            "metrics": (
                "crd:metrics_command",
                "Print the metric data of calls (CRDMetricData), one JSON object per line.",
            ),
            "form-errors": (
                "crd:form_errors_command",
                "Print the errors of forms that DTR clients reported, one JSON object per report.",
            ),
            "accesses": (
                "crd:accesses_command",
                "Print who read exchanges and assertions, when, and why, one JSON object per line.",
            ),
            "purge": (
                "crd:purge_command",
                "Delete the exchanges that have expired, with their assertions, and record that they were deleted.",
            ),
        },
    )
)
main.add_command(
    lazy_group(
        "population",
        "Judge the patients of a FHIR bulk export at once, and see what a revision would change.",
        _CLI,
        {
            "run": (
                "population:run_command",
                "Judge an order of every patient of a FHIR bulk export by one revision, to Parquet and a summary.",
            ),
            "report": (
                "population:report_command",
                "Print the table of a run in OUTPUT, and draw the picture of its criteria and of what is missing most.",
            ),
        },
    )
)

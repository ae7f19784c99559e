"""How `population run` begins or resumes a run; imported only where Dask and PyArrow are installed."""

from dataclasses import dataclass
from datetime import datetime
from errno import ENOSPC
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import click
from pyarrow import ArrowInvalid
from rich.console import Console

from cds_service.cli.inputs import assessor_of, exit_on_error
from cds_service.cli.output.population import RunProgress, print_summary
from cds_service.cli.policies.lookup import policy_named
from cds_service.cli.policies.ordered_code import ordered_row
from cds_service.cli.requests import json_in
from cds_service.dtr.package_request import ORDER_TYPES
from cds_service.hooks.coded_order import order_of_row
from cds_service.population.chart import ExportedTypes
from cds_service.population.cluster import on_cluster, on_this_machine
from cds_service.population.export import UnreadableExportError, files_in
from cds_service.population.folder import Identity, OtherRunError, RunFolder, describe, fingerprint
from cds_service.population.picture import picture
from cds_service.population.running import Export, run
from cds_service.population.split import bucket_count
from cds_service.population.summary import summarize
from cds_service.population.work import OtherPoliciesError, Rules, Work
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from cds_service.wiring.records import NotReadyError, open_key
from coverage_policies.format.model import Policy
from fhir_mappings.fhir_json import Resource, canonical

_ORDER_ID = "population-1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    policy: str
    compare: str | None
    order: str | None
    orders: Path | None
    at: datetime
    source: Path
    output: Path
    with_ids: bool


def run_wanted(wanted: Wanted, settings: Settings, *, workers: int, scheduler: str | None, resume: bool) -> None:
    """Run or resume what is wanted. Raises ClickException, also where buckets failed."""
    assessor = assessor_of(settings)
    policy = policy_named(assessor.library, wanted.policy)
    policies = (policy, *((policy_named(assessor.library, wanted.compare),) if wanted.compare else ()))
    order = _order(wanted.order, policy, wanted.at) if wanted.order is not None else None
    key = _key(settings) if not wanted.with_ids else None
    folder = RunFolder(wanted.output)
    with exit_on_error(UnreadableExportError, OtherRunError, OtherPoliciesError):
        files = files_in(wanted.source)
        if wanted.orders and any(each.samefile(wanted.orders) for each in files):
            raise OtherRunError(f"{wanted.orders} is in {wanted.source}, and would be read as charts. Move it.")
        rules = Rules.of(settings, assessor)
        identity = Identity(
            policy=policy.full_name,
            compare=policies[-1].full_name if wanted.compare else "",
            order=_said(wanted.order, order),
            orders=fingerprint([wanted.orders]) if wanted.orders else "",
            at=wanted.at.isoformat(timespec="minutes"),
            input=fingerprint(files),
            with_ids=wanted.with_ids,
            key=Pseudonymizer(key).name if key is not None else "",
            rules=rules.snapshot,
            version=version("cds-coverage-policies"),
        )
        description = folder.begin(describe(identity, bucket_count(files), policies), resume=resume)
        work = Work(
            rules=rules,
            policy=policy.full_name,
            compared=identity.compare or None,
            at=wanted.at,
            order=order,
            types=ExportedTypes(),
            files=tuple(each.name for each in (*files, *((wanted.orders,) if wanted.orders else ()))),
            charts=folder.charts.folder.resolve(),
            rows=folder.rows.resolve(),
            key=key,
        )
        judging = on_cluster(scheduler) if scheduler else on_this_machine(workers)
        with folder.locked(), RunProgress() as progress:
            try:
                failed = run(folder, description, Export(files, wanted.orders, policies), work, judging, progress)
            except OSError as error:
                if error.errno == ENOSPC:
                    raise OtherRunError(f"The disk of {wanted.output} is full. Make room, and add --resume.") from None
                raise
    if failed:
        reasons = ", ".join(sorted(set(failed.values())))
        raise click.ClickException(
            f"{len(failed):,} of {description.buckets:,} buckets failed ({reasons}). The others are done; "
            "--resume does the failed ones again."
        )


def report_on(console: Console, output: Path, picture_file: Path | None) -> None:
    """Print the summary of a run, and write its picture if a file for it is named. Raises ClickException."""
    folder = RunFolder(output)
    with exit_on_error(OtherRunError, ArrowInvalid):
        description = folder.description()
        if description is None:
            raise click.ClickException(f"There is no run in {output}.")
        summary = summarize(folder.row_files())
        print_summary(console, description, summary)
        if left := len(folder.left(description.buckets)):
            console.print(f"The run is not finished: {left:,} of {description.buckets:,} buckets are left.")
        if picture_file is not None:
            title = f"{description.identity.policy}: {summary.orders:,} orders as of {description.identity.at[:10]}"
            picture_file.write_text(
                picture(title, summary, description.criteria, description.questions), encoding="utf-8"
            )
            console.print(f"Picture: {picture_file}")


def _order(written: str, policy: Policy, at: datetime) -> Resource:
    """Return the order that every patient gets, without a patient."""
    path = Path(written)
    if not path.is_file():
        if path.suffix == ".json":
            raise click.ClickException(f"There is no file {path}.")
        return order_of_row(ordered_row(policy, written), at.date(), _ORDER_ID)
    order = json_in(path)
    if not isinstance(order, dict) or order.get("resourceType") not in ORDER_TYPES:
        raise click.ClickException(f"{path} holds no order. It holds one as FHIR JSON: a {', '.join(ORDER_TYPES)}.")
    return order


def _said(written: str | None, order: Resource | None) -> str:
    """Return the order as the description of a run names it: the code, or the file with a hash of its content."""
    if written is None or order is None:
        return ""
    path = Path(written)
    return f"{path.name} ({sha256(canonical(order)).hexdigest()[:12]})" if path.is_file() else written


def _key(settings: Settings) -> bytes:
    """Return the key of the pseudonyms of runs. It is made from the service's, which never leaves this process."""
    with exit_on_error(NotReadyError):
        return bytes.fromhex(open_key(settings)("key of population runs"))

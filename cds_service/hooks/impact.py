"""Impact analysis: stored requests under two revisions of a policy, and the orders whose outcome changes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.review import ReviewLimits, review
from cds_service.observability.logging import where
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination
from fhir_mappings.fhir_json import Json, parse_json

_CHART = ".chart.json"


@dataclass(frozen=True, slots=True)
class Flip:
    """A criterion whose status differs between two revisions; a group only if no child of it differs.

    A status is None under a revision without the criterion; such a criterion counts if the other status is NOT_MET.
    """

    criterion: str
    before: Status | None
    after: Status | None


@dataclass(frozen=True, slots=True)
class OrderImpact:
    """One order of a stored request under both revisions."""

    request: str
    order: str
    before: Outcome
    after: Outcome
    flips: tuple[Flip, ...]

    @property
    def is_changed(self) -> bool:
        """Return whether the outcome of the order differs."""
        return self.before is not self.after


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that could not be used, and the reason, which never quotes its content."""

    request: str
    why: str


class _UnusableError(Exception):
    """A stored request cannot be evaluated; the message says why."""


def stored_requests(folder: Path) -> tuple[Path, ...]:
    """Return the request files of a folder: every `NAME.json`, where `NAME.chart.json` is the chart of a request."""
    return tuple(path for path in sorted(folder.glob("*.json")) if not path.name.endswith(_CHART))


def impact(
    requests: Iterable[Path],
    before: Policy,
    after: Policy,
    assessor: Assessor,
    limits: ReviewLimits,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> tuple[tuple[OrderImpact, ...], tuple[Skipped, ...]]:
    """Return every order that matches one of the revisions, evaluated under both, and the files that could not be used.

    Only stored data are read: no FHIR server that a request names is called.
    """
    orders: list[OrderImpact] = []
    skipped: list[Skipped] = []
    for path in requests:
        try:
            request, bundle = _read(path)
            chart = ChartInMemory(Store.from_bundle(bundle)) if bundle is not None else None
            old, new = (
                review(
                    request,
                    assessor.limited_to(policy),
                    limits,
                    open_source=chart.open if chart is not None else None,
                    clock=clock,
                    monotonic=monotonic,
                ).determinations
                for policy in (before, after)
            )
        except _UnusableError as error:
            skipped.append(Skipped(path.name, str(error)))
        except Exception as error:  # one bad file must not stop the others, and its message may quote the chart
            skipped.append(Skipped(path.name, f"it could not be evaluated: {where(error)}"))
        else:
            orders += [compared(path.name, *pair) for pair in zip(old, new, strict=True) if _is_relevant(*pair)]
    return tuple(orders), tuple(skipped)


def _read(path: Path) -> tuple[HookRequest, Json | None]:
    chart = path.with_name(path.stem + _CHART)
    try:
        request = read_request(_json(path))
    except RefusedError as error:
        raise _UnusableError(" ".join(issue.diagnostics for issue in error.issues)) from None
    return replace(request, fhir=None), _json(chart) if chart.exists() else None


def _json(path: Path) -> Json:
    try:
        return parse_json(path.read_bytes())
    except ValueError:
        raise _UnusableError(f"{path.name} is not JSON in UTF-8") from None
    except OSError as error:
        raise _UnusableError(f"{path.name} cannot be read: {error.strerror}") from None


def _is_relevant(before: Determination, after: Determination) -> bool:
    return not before.outcome is after.outcome is Outcome.NOT_APPLICABLE


def compared(request: str, before: Determination, after: Determination) -> OrderImpact:
    """Return one order of a request under two revisions, with the criteria that differ."""
    was = {result.id: result.status for result in before.criteria}
    now = {result.id: result.status for result in after.criteria}
    parents = {result.id: result.parent for result in before.criteria + after.criteria}
    changed = [name for name in parents if _is_flipped(was.get(name), now.get(name))]
    explained = {parents[name] for name in changed}
    flips = tuple(Flip(name, was.get(name), now.get(name)) for name in changed if name not in explained)
    return OrderImpact(request, before.order_label or before.order, before.outcome, after.outcome, flips)


def _is_flipped(before: Status | None, after: Status | None) -> bool:
    if before is None or after is None:
        return Status.NOT_MET in (before, after)
    return before is not after

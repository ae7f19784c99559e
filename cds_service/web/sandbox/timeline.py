"""The timeline of a chart: one picture for each kind of evidence that it has and a policy asks for."""

from collections.abc import Iterator

from cds_service.web.sandbox.dose_picture import dose_facts, dose_picture
from cds_service.web.sandbox.measure_picture import Limit, measure_picture, measured
from cds_service.web.sandbox.pain_picture import pain_facts, pain_picture
from cds_service.web.sandbox.picture import Picture, with_ids_once
from cds_service.web.sandbox.timeline_limits import (
    LimitAsked,
    latest,
    limits_asked,
    reductions_asked,
    reliefs_asked,
)
from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from fhir_mappings.record import PatientRecord


def timeline(record: PatientRecord, library: Library) -> tuple[Picture, ...]:
    """Return the pictures of a chart, by what the latest revision of each policy asks for; none without evidence."""
    return with_ids_once(tuple(_pictures(record, latest(library))))


def _pictures(record: PatientRecord, policies: tuple[Policy, ...]) -> Iterator[Picture]:
    reliefs = reliefs_asked(policies)
    pain = pain_facts(record, reliefs)
    if pain.treated or pain.others:
        yield pain_picture(pain, record.today)
    for reduction in reductions_asked(policies):
        doses = dose_facts(record, reduction)
        if doses is not None:
            yield dose_picture(doses, record.today, record.zone)
    by_set: dict[str, list[LimitAsked]] = {}
    for limit in limits_asked(policies):
        by_set.setdefault(limit.codes.name, []).append(limit)
    for name, asked in by_set.items():
        found = measured(record, asked)
        if found:
            limits = [Limit(each.policy, each.asks, each.limit.interval) for each in asked]
            yield measure_picture(name, asked[0].limit.unit, found, limits, record.today)

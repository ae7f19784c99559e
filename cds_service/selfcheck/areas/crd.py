"""Da Vinci CRD: one area for each version."""

from functools import partial

from cds_service.selfcheck.areas import crd_answers, crd_cards, crd_discovery, crd_options, crd_refusals
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.services import V2_0, V2_2, crd_services
from cds_service.selfcheck.session import Session

_RELEASES = {V2_2: "2.2.1", V2_0: "2.0.1"}


def _not_offered(version: str, session: Session) -> str:
    """Return why there is nothing of a version to check; empty if there is."""
    try:
        found = crd_services(session, version)
    except (FailedError, NotTriedError):
        return "discovery could not be read"
    return "" if found else f"no service in discovery is of Da Vinci CRD {version}"


def _area(version: str) -> Area:
    area = Area(f"crd-{version}", f"Da Vinci CRD {_RELEASES[version]}", partial(_not_offered, version))
    for module in (crd_discovery, crd_answers, crd_options, crd_refusals, crd_cards):
        module.add_checks(area, version)
    return area


AREAS = (_area(V2_2), _area(V2_0))

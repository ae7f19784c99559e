"""Da Vinci DTR 2.2: the forms of a payer, and access to them."""

from cds_service.selfcheck.areas import dtr_access, dtr_forms, dtr_packages, dtr_questions, dtr_values
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.dtr_calls import Dtr
from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.session import Session


def _not_offered(session: Session) -> str:
    """Return why there are no forms to check; empty if there are."""
    try:
        Dtr(session).base()
    except (FailedError, NotTriedError) as error:
        return f"no service of forms was found: {error}"
    return ""


AREA = Area("dtr", "Da Vinci DTR 2.2.0", _not_offered)
for _module in (dtr_access, dtr_packages, dtr_forms, dtr_questions, dtr_values):
    _module.add_checks(AREA)

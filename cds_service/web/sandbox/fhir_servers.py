"""Which FHIR servers the sandbox reads: no other gets a request or a token."""

from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.site import allowed_server


def check_server(case: Case) -> None:
    """Raise CaseError unless the sandbox may read the FHIR server of a case."""
    if not allowed_server(case.fhir_server):
        raise CaseError(
            "The sandbox may not read this FHIR server. It reads the sample EHR, the servers of CDS_FHIR_SERVERS, and "
            "those that a client has registered."
        )

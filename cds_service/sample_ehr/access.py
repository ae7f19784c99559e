"""What a request to the sample EHR may read and write."""

from collections.abc import Sequence
from typing import Protocol

from cds_service.fhir_client.search_parameters import alternatives
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.smart.scopes import READABLE_WITH_ANY_TOKEN, allows
from cds_service.sample_ehr.smart.server import Grant
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource
from fhir_mappings.ownership import Owner, Ownership, chart_server


class AccessError(Exception):
    """An access token does not allow the request. The message says why."""


class Access(Protocol):
    """What a request may do; every method raises AccessError, or returns only what the request may see."""

    def check(self, resource_type: str, letter: str) -> None:
        """Allow an interaction of SMART's `cruds` with a resource type."""

    def check_search(self, resource_type: str, params: Sequence[tuple[str, str]]) -> None:
        """Allow the parameters of a search."""

    def visible(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries that the request may see."""

    def check_resource(self, resource: Resource) -> None:
        """Allow a stored resource to be read or replaced."""


class WholeAccess:
    """May read every chart, and write nothing."""

    def check(self, resource_type: str, letter: str) -> None:
        """Allow reads and searches."""
        if letter not in "rs":
            raise AccessError(f"Writing a {resource_type} needs the access token of a launched SMART app.")

    def check_search(self, _resource_type: str, _params: Sequence[tuple[str, str]]) -> None:
        """Allow every search."""

    def visible(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return all entries."""
        return entries

    def check_resource(self, _resource: Resource) -> None:
        """Allow every resource."""


class PatientAccess:
    """May do what a grant allows, with the data of its patient. `base` is the FHIR address of this server."""

    def __init__(self, grant: Grant, charts: Charts, base: str) -> None:
        self.patient_id = grant.launch.patient_id
        self._scopes = grant.scopes
        self._base = base
        entries = charts.all_entries()
        self._ownership = Ownership(self.patient_id, chart_server(self.patient_id, (base,), entries), entries)

    def check(self, resource_type: str, letter: str) -> None:
        """Allow what a scope of the token names."""
        if not allows(self._scopes, resource_type, letter):
            raise AccessError(f"The scopes of the access token do not allow this with a {resource_type}.")

    def check_search(self, resource_type: str, params: Sequence[tuple[str, str]]) -> None:
        """Refuse a search for another patient: an empty result would look as if there were nothing."""
        for name, value in params:
            if name in ("patient", "subject", "beneficiary") or (resource_type == "Patient" and name == "_id"):
                named = {each.removeprefix(f"{self._base}/").removeprefix("Patient/") for each in alternatives(value)}
                if named - {self.patient_id}:
                    raise AccessError("The access token is for another patient.")

    def visible(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries that are plainly the patient's, and those that are nobody's data."""
        return [entry for entry in entries if self._may_see(entry[1])]

    def check_resource(self, resource: Resource) -> None:
        """Refuse the data of another patient."""
        if not self._may_see(resource):
            raise AccessError("The access token is for another patient.")

    def _may_see(self, resource: Resource) -> bool:
        # Without the full URL: everything is on this server, which may have two addresses (localhost, 127.0.0.1).
        is_shared = resource.get("resourceType") in READABLE_WITH_ANY_TOKEN
        return is_shared or self._ownership.of("", resource) is Owner.OURS

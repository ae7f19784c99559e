"""The records that the pages of insights read."""

from cds_service.hooks.errors import STATUS_ISSUES, RefusedError
from cds_service.records.stored import StoredRecords
from cds_service.web.site import site


def stored_records() -> StoredRecords:
    """Return the records of the current application. Raise RefusedError (404) if it stores nothing."""
    found = site()
    if found is None or found.records is None:
        raise RefusedError(404, STATUS_ISSUES[404])
    return found.records

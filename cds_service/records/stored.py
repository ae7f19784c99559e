"""What reads the records of a service: its database, and the keys of what is hashed and sealed there."""

from dataclasses import dataclass

from cds_service.records.database import Database
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.sealing import Sealer


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """The database, the key of its hashes, and the keys of what is sealed: None without CDS_ENCRYPTION_KEYS."""

    database: Database
    pseudonym: Pseudonymizer
    sealer: Sealer | None

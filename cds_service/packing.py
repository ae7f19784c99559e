"""JSON as compressed bytes, for what is sealed: the launches and sessions of the app, and the records of CRD."""

import zlib

from fhir_mappings.fhir_json import Json, encoded, loads


def pack(value: Json, level: int) -> bytes:
    """Return JSON compressed by zlib at a level from 1, the fastest, to 9, the smallest."""
    return zlib.compress(encoded(value), level)


def unpack(packed: bytes) -> Json:
    """Return the JSON in bytes that `pack` made. Raise ValueError or zlib.error for other bytes."""
    return loads(zlib.decompress(packed))

"""Bulk exports for tests: charts in FHIR Bundles as NDJSON, each as often as needed, as patients of their own."""

import gzip
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from cds_service.sample_ehr.patients import SAMPLES
from fhir_mappings.bundle import entries
from fhir_mappings.fhir_json import Json, encoded

_URN = re.compile(rb"urn:uuid:([0-9a-f-]{36})")
_ID = re.compile(rb'("id":"|"reference":"[A-Za-z]+/)([A-Za-z0-9.-]+)"')


def sample_charts() -> list[Json]:
    """The charts of the sample EHR, as Bundles."""
    return [sample.bundle(None) for sample in SAMPLES]


def write_export(folder: Path, charts: Iterable[Json], copies: int = 1, *, compress: bool = False) -> int:
    """Write charts as a bulk export, one file per type; return how many patients it has.

    Each copy has ids of its own, with `-N` at the end; the first one keeps those of the charts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    patients = 0
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for chart in charts:
            lines = _lines(chart)
            patients += copies * sum(kind == "Patient" for kind, _ in lines)
            for kind, _ in lines:
                if kind not in files:
                    files[kind] = stack.enter_context(_opened(folder, kind, compress=compress))
            pieces = [(kind, _ID.sub(rb"\1\2\0", line).split(b"\0")) for kind, line in lines]  # cut after each id
            for copy in range(copies):
                end = b'-%d"' % copy if copy else b'"'
                for kind, between in pieces:
                    files[kind].write(end.join(between))
    return patients


def _opened(folder: Path, kind: str, *, compress: bool) -> BinaryIO:
    if compress:
        return cast(BinaryIO, gzip.open(folder / f"{kind}.ndjson.gz", "wb", compresslevel=1))
    return (folder / f"{kind}.ndjson").open("wb")


def _lines(chart: Json) -> list[tuple[str, bytes]]:
    """The resources of a chart by type, with `Type/id` for references by URN, which a bulk export has not."""
    found = list(entries(chart))
    names = {url: f"{each['resourceType']}/{each['id']}" for url, each in found if url.startswith("urn:uuid:")}

    def named(match: re.Match[bytes]) -> bytes:
        return names.get(match[0].decode(), match[0].decode()).encode()

    return [(each["resourceType"], _URN.sub(named, encoded(each)) + b"\n") for _, each in found]

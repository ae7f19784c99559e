"""Split an export into buckets by patient, out of core: one pass over the files, with a bounded buffer in memory.

Each bucket then is one task. What is about no patient stands beside them, for every patient whose chart references it.
"""

import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from cds_service.fhir_client.search_bundle import is_harmless
from cds_service.population.bucket import Kind, Place, record
from cds_service.population.export import Line, MalformedLineError, head_of, lines_of, patient_hinted, types_hinted
from cds_service.population.orders import orders_in
from cds_service.population.shared import SharedResourcesWriter
from coverage_policies.format.model import Policy
from fhir_mappings.fhir_json import parse_json
from fhir_mappings.ownership import names_a_patient

_BUFFER_BYTES = 64 * 1024 * 1024
_BUCKET_BYTES = 32 * 1024 * 1024
_GZIP_RATIO = 8
"""About how much larger FHIR JSON is than its gzip."""
_FEWEST_BUCKETS, _MOST_BUCKETS = 16, 1024
_MOST_NAMED = 1_000
_ALWAYS_READ = frozenset({"Patient", "Coverage", "Condition", "Device", "Medication", "RelatedPerson"})
"""Types that a review reads whatever the policy: who pays, and what an order or another resource references."""

_SHARED = "shared.sqlite"
_REPORT = "split.json"


class SplitReport(msgspec.Struct, frozen=True):
    """What a split found. `kinds` counts the lines by type, `unread` those of types that the policies do not read.

    `of_nobody` counts by type what the policies read and should name a patient, and does not. `malformed` counts lines
    that hold no resource, orders included; `named` says of the first thousand where they are and what is wrong.
    `incomplete` are the types of which a line may be any patient's, so that no chart is known to have all; Patient
    is none of them, since each is its own.
    """

    buckets: int
    kinds: dict[str, int]
    unread: dict[str, int]
    of_nobody: dict[str, int]
    malformed: int
    named: tuple[str, ...]
    incomplete: tuple[str, ...]


class Charts:
    """The folder of the buckets. It holds charts, so only its owner can open it, and it is deleted after the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def shared(self) -> Path:
        """Return the file of the resources that are about no patient."""
        return self.folder / _SHARED

    def bucket(self, number: int) -> Path:
        """Return the file of a bucket, which is empty if it has no patient, and deleted when its rows are written."""
        return self.folder / f"bucket-{number:04d}"

    def report(self) -> SplitReport | None:
        """Return what the split found; None if it was not finished."""
        try:
            return msgspec.json.decode((self.folder / _REPORT).read_bytes(), type=SplitReport)
        except FileNotFoundError:
            return None

    def delete(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def bucket_count(files: Sequence[Path]) -> int:
    """Return how many buckets an export is split into: of about 32 MB each, at least 16 and at most 1,024."""
    size = sum(path.stat().st_size * (_GZIP_RATIO if path.suffix == ".gz" else 1) for path in files)
    return min(max(size // _BUCKET_BYTES, _FEWEST_BUCKETS), _MOST_BUCKETS)


def kinds_read(policies: Sequence[Policy]) -> frozenset[str]:
    """Return the resource types that a review under these revisions can read from the patient's data."""
    return _ALWAYS_READ | {search.resource_type for policy in policies for search in policy.searches()}


def split(
    charts: Charts,
    files: Sequence[Path],
    *,
    buckets: int,
    policies: Sequence[Policy],
    orders: Path | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> SplitReport:
    """Write the buckets of an export, and of the orders for its patients; return what was found.

    `policies` are the revisions of the run, the one whose codes a table of orders means first. `advance` gets how many
    bytes of the files were read since it was called last. A split that was not finished is begun anew. Raise
    UnreadableExportError for a damaged file, OSError for what the disk refuses.
    """
    charts.delete()
    charts.folder.mkdir(mode=0o700, parents=True)
    made = _Split(charts, buckets, kinds_read(policies))
    if orders is not None:  # first, since what is wrong with it is known at once
        made.add_orders(len(files), orders, policies[0], advance)
    with SharedResourcesWriter(charts.shared) as shared:
        for number, path in enumerate(files):
            made.add_file(number, path, shared, advance)
    made.buckets.flush()
    report = made.report()
    unfinished = charts.folder / f"{_REPORT}.new"
    unfinished.write_bytes(msgspec.json.encode(report))
    unfinished.rename(charts.folder / _REPORT)
    return report


class _Split:
    """The pass over the files."""

    def __init__(self, charts: Charts, buckets: int, reads: frozenset[str]) -> None:
        self.buckets = _Buckets(charts, buckets)
        self._count = buckets
        self._reads = reads
        self._kinds: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self._of_nobody: Counter[str] = Counter()
        self._malformed = 0
        self._named: list[str] = []
        self._incomplete: set[str] = set()
        self._may_lack_anything = False

    def report(self) -> SplitReport:
        """Return what was found so far."""
        return SplitReport(
            self._count,
            dict(sorted(self._kinds.items())),
            dict(sorted(self._unread.items())),
            dict(sorted(self._of_nobody.items())),
            self._malformed,
            tuple(self._named),
            tuple(sorted((set(self._kinds) if self._may_lack_anything else self._incomplete) - {"Patient"})),
        )

    def add_file(self, number: int, path: Path, shared: SharedResourcesWriter, advance: Callable[[int], None]) -> None:
        """Add the lines of a file of the export."""
        with path.open("rb") as file:
            read = 0
            for line in lines_of(path, file):
                place = Place(number, line.number)
                try:
                    self._add(place, line, shared)
                except MalformedLineError as error:
                    self._name(f"{path.name}:{line.number}: {error}")
                    self._lose(place, line)
                if (position := file.tell()) != read:
                    advance(position - read)
                    read = position

    def _add(self, place: Place, line: Line, shared: SharedResourcesWriter) -> None:
        head = head_of(line)
        if head.kind == "OperationOutcome" and not _is_remark(line.content):
            raise MalformedLineError("an OperationOutcome that may tell of missing data")
        self._kinds[head.kind] += 1
        if head.patient:
            if head.kind in self._reads:
                self.buckets.add(head.patient, record(Kind.RESOURCE, place, head.patient, line.content))
            else:
                self._unread[head.kind] += 1
            return
        if head.kind == "Patient":
            raise MalformedLineError("the Patient has no id")
        if head.own_id:
            shared.add(f"{head.kind}/{head.own_id}", head.updated, line.content)
        if head.kind in self._reads and not head.is_of_no_patient and names_a_patient({"resourceType": head.kind}):
            self._of_nobody[head.kind] += 1
            self._incomplete.add(head.kind)

    def _lose(self, place: Place, line: Line) -> None:
        """Note whose chart is not whole without a malformed line: one patient's, or everybody's as far as is known."""
        if patient := patient_hinted(line.content):
            self.buckets.add(patient, record(Kind.LOST, place, patient))
        elif kinds := types_hinted(line.content) - {"OperationOutcome"}:
            self._incomplete |= kinds
        else:
            self._may_lack_anything = True

    def add_orders(self, number: int, path: Path, policy: Policy, advance: Callable[[int], None]) -> None:
        """Add the orders of a file to the buckets of their patients."""
        with path.open("rb") as file:
            for order in orders_in(path, file, policy):
                if order.problem:
                    self._name(f"{path.name}:{order.number}: {order.problem}")
                else:
                    made = record(Kind.ORDER, Place(number, order.number), order.patient, order.content)
                    self.buckets.add(order.patient, made)
        advance(path.stat().st_size)

    def _name(self, where: str) -> None:
        self._malformed += 1
        if len(self._named) < _MOST_NAMED:
            self._named.append(where)


def _is_remark(content: bytes) -> bool:
    """Return whether an OperationOutcome, such as from the list of errors of an export, tells of nothing missing."""
    try:
        outcome = parse_json(content)
    except ValueError:
        return False
    return isinstance(outcome, dict) and is_harmless(outcome)


class _Buckets:
    """The files of the buckets, written from buffers that together stay below a bound."""

    def __init__(self, charts: Charts, count: int) -> None:
        self._charts = charts
        self._buffers = [bytearray() for _ in range(count)]
        self._size = 0
        for number in range(count):
            charts.bucket(number).touch()

    def add(self, patient: str, record: bytes) -> None:
        """Add a record to the bucket of its patient."""
        self._buffers[zlib.crc32(patient.encode("utf-8", "surrogatepass")) % len(self._buffers)] += record
        self._size += len(record)
        if self._size >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Append what is in the buffers to the files."""
        for number, buffer in enumerate(self._buffers):
            if buffer:
                with self._charts.bucket(number).open("ab") as file:
                    file.write(buffer)
        self._buffers = [bytearray() for _ in self._buffers]
        self._size = 0

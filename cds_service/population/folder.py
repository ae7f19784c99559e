"""The folder of a run: what run it is, its rows, and while it lasts the charts it was split into."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from cds_service.population.split import Charts, SplitReport
from cds_service.population.work import rows_file
from coverage_policies.format.model import Policy
from coverage_policies.format.questions import all_questions

_DESCRIPTION = "run.json"
_LOCK = "run.lock"


class OtherRunError(Exception):
    """The folder cannot take this run; the message says why, and what to do."""


class Identity(msgspec.Struct, frozen=True):
    """What makes two runs the same, so that one can be resumed; each member is called as the message names it."""

    policy: str
    compare: str
    order: str
    orders: str
    at: str
    input: str
    with_ids: bool
    key: str
    rules: str
    version: str

    def differences(self, other: "Identity") -> tuple[str, ...]:
        """Return the names of the members that differ, as a message says them."""
        return tuple(_SAID[name] for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name))


_SAID: Mapping[str, str] = {
    "policy": "--policy",
    "compare": "--compare",
    "order": "--order",
    "orders": "--orders, or the content of its file",
    "at": "--at",
    "input": "the files of --input",
    "with_ids": "--with-ids",
    "key": "the pseudonym key",
    "rules": "the policies, plan rules, or time zone",
    "version": "the version of the program",
}


class Description(msgspec.Struct, frozen=True):
    """A run, as its folder keeps it: what it is, its buckets, and the words of its criteria and questions by id.

    `searched` are the resource types that the revisions look for. `split` is what was found in the export; None until
    it is split.
    """

    identity: Identity
    buckets: int
    criteria: dict[str, str]
    questions: dict[str, str]
    searched: tuple[str, ...]
    split: SplitReport | None = None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Return the types that the revisions look for and the export has no line of; none before it is split."""
        return () if self.split is None else tuple(kind for kind in self.searched if kind not in self.split.kinds)


def describe(identity: Identity, buckets: int, policies: Sequence[Policy]) -> Description:
    """Return the description of a run that begins; of a criterion of several revisions, the words of the first."""
    criteria: dict[str, str] = {}
    questions: dict[str, str] = {}
    for policy in policies:
        criteria = {each.id: each.says for each in policy.walk()} | criteria
        questions = {name: each.text for name, each in all_questions(policy).items() if each.text} | questions
    in_order = {each.id: criteria[each.id] for policy in policies for each in policy.walk()}
    searched = tuple(sorted({kind for policy in policies for kind in policy.kinds}))
    return Description(identity, buckets, in_order, questions, searched)


def fingerprint(files: Sequence[Path]) -> str:
    """Return a hash of the names, sizes, and times of change of files, which tells whether they are still the same."""
    said = [(path.name, (found := path.stat()).st_size, found.st_mtime_ns) for path in files]
    return sha256(msgspec.json.encode(said)).hexdigest()


class RunFolder:
    """The output folder of a run. `rows` holds one Parquet file per bucket that is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = folder / "rows"
        self.charts = Charts(folder / "charts")

    def description(self) -> Description | None:
        """Return the description of the run; None if there is none. Raise OtherRunError if it is of another version."""
        try:
            return msgspec.json.decode((self.folder / _DESCRIPTION).read_bytes(), type=Description)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            raise OtherRunError(
                f"{self.folder / _DESCRIPTION} describes no run of this version. Choose another folder."
            ) from None

    def begin(self, wanted: Description, *, resume: bool) -> Description:
        """Make the folder ready for a run; return its description, that of the run to resume if there is one.

        Raise OtherRunError if there is a run and it is not to be resumed, or is another one.
        """
        found = self.description()
        if found is None:
            if self.folder.exists() and any(self.folder.iterdir()):
                raise OtherRunError(f"{self.folder} is not empty, and holds no run. Choose another folder.")
            self.rows.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.write(wanted)
            return wanted
        if not resume:
            raise OtherRunError(f"{self.folder} holds a run. Add --resume to go on with it, or choose another folder.")
        if differing := found.identity.differences(wanted.identity):
            raise OtherRunError(
                f"{self.folder} holds another run: {'; '.join(differing)} differ{'s' if len(differing) == 1 else ''}. "
                "Resume with what it was begun with, or choose another folder."
            )
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working in the folder. Raise OtherRunError if one does."""
        with (self.folder / _LOCK).open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OtherRunError(
                    f"A run is going on in {self.folder}. Wait until it ends, or stop it and add --resume."
                ) from None
            yield

    def write(self, description: Description) -> None:
        """Write the description."""
        unfinished = self.folder / f"{_DESCRIPTION}.new"
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(description)))
        unfinished.replace(self.folder / _DESCRIPTION)

    def left(self, buckets: int) -> tuple[int, ...]:
        """Return the buckets whose rows are not written yet."""
        return tuple(each for each in range(buckets) if not rows_file(self.rows, each).exists())

    def finish(self) -> None:
        """Delete the charts, and what a process that was stopped left unfinished."""
        self.charts.delete()
        for unfinished in self.rows.glob("*.new"):
            unfinished.unlink()

    def row_files(self) -> tuple[Path, ...]:
        """Return the files of rows that are written."""
        return tuple(sorted(self.rows.glob("rows-*.parquet")))

"""A case: the patient, the draft orders, and the answers that somebody tries in the sandbox.

It is the whole state of the sandbox: the page carries it from one request to the next, and it can be saved as a file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json, Resource, dumps, parse_json

USER = "Practitioner/sandbox-user"
"""Who signs in the sandbox, unless the case says otherwise."""
_FORMAT = "cds-sandbox-case-1"
_MOST_BYTES = 1_000_000
MAX_ORDERS = 50
"""The most draft orders of a case."""
_ID = {"type": "string", "pattern": r"^[A-Za-z0-9.-]{1,64}\Z"}
_MEMBERS = ("format", "fhirServer", "patient", "user", "mode", "orders", "answers", "resourceType", "id")
"""The members that an error may name; any other name could be a text of the sender."""


def _map_of(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}


_ORDER: Json = {
    "type": "object",
    "required": ["resourceType", "id"],
    "properties": {"resourceType": {"type": "string", "pattern": r"^[A-Z][A-Za-z]{0,63}\Z"}, "id": _ID},
}
_ORDER_SCHEMA = Draft202012Validator(_ORDER)
_SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "required": ["format", "fhirServer", "patient"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": _FORMAT},
            "fhirServer": {"type": "string", "pattern": r"^https?://[^\s?#]+\Z"},
            "patient": _ID,
            "user": {"type": "string", "pattern": r"^(Practitioner|PractitionerRole)/[A-Za-z0-9.-]{1,64}\Z"},
            "mode": {"enum": ["plain", "2.2", "2.0"]},
            "orders": {
                "type": "array",
                "maxItems": MAX_ORDERS,
                "items": _ORDER,
            },
            "answers": _map_of(_map_of(_map_of({"type": "string", "maxLength": 200}))),
        },
    }
)


Answers = Mapping[str, Mapping[str, Mapping[str, str]]]


class Mode(StrEnum):
    """Which services the sandbox calls: the plain ones, or those of a version of Da Vinci CRD."""

    PLAIN = "plain"
    CRD_2_2 = "2.2"
    CRD_2_0 = "2.0"


class CaseError(ValueError):
    """What was sent is no case; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the sandbox tries.

    `fhir_server` is the address of the chart; a token for it is never part of a case. `orders` are draft orders, each
    with an id. `answers` are by the reference of the order, then by full name of the policy, such as
    CP.MP.126@2025-04, then by linkId: `yes`, `no`, or the code of an option.
    """

    fhir_server: str
    patient: str
    user: str = USER
    mode: Mode = Mode.PLAIN
    orders: tuple[Resource, ...] = ()
    answers: Answers = field(default_factory=dict)

    def with_orders(self, *orders: Resource) -> "Case":
        """Return the case with these orders in place of its own, and without the answers about any other.

        A later order may get the id of one that is gone, and would get its answers.
        """
        names = set(map(reference_of, orders))
        answers = {order: given for order, given in self.answers.items() if order in names}
        return replace(self, orders=orders, answers=answers)

    @property
    def excess(self) -> str:
        """Return why a page could not carry the case, in words; empty if it can."""
        if len(self.orders) > MAX_ORDERS:
            return f"A case has at most {MAX_ORDERS} orders."
        is_too_large = len(self.dump().encode("utf-8", "replace")) > _MOST_BYTES
        return "With this change the case is larger than 1 MB." if is_too_large else ""

    def dump(self) -> str:
        """Return the case as JSON, digit by digit."""
        told: dict[str, Json] = {
            "format": _FORMAT,
            "fhirServer": self.fhir_server,
            "patient": self.patient,
            "user": self.user,
            "mode": self.mode.value,
            "orders": list(self.orders),
            "answers": self.answers,
        }
        return dumps(told)

    @classmethod
    def parse(cls, text: str) -> "Case":
        """Return the case that `dump` wrote. Raise CaseError for anything else."""
        body = text.encode("utf-8", "replace")
        if len(body) > _MOST_BYTES:
            raise CaseError("The case is larger than 1 MB.")
        try:
            told = parse_json(body)
        except ValueError:
            raise CaseError("The case is not JSON.") from None
        if (error := best_match(_SCHEMA.iter_errors(told))) is not None:
            place = "/".join(str(part) for part in error.absolute_path if isinstance(part, int) or part in _MEMBERS)
            raise CaseError(f"The case breaks the rule '{error.validator}' at {place or 'its top'}.")
        orders = tuple(told.get("orders", ()))
        if len(set(map(reference_of, orders))) < len(orders):
            raise CaseError("Two orders of the case have the same resourceType and id.")
        return cls(
            told["fhirServer"],
            told["patient"],
            told.get("user", USER),
            Mode(told.get("mode", Mode.PLAIN)),
            orders,
            told.get("answers", {}),
        )


def free_id(orders: Iterable[Resource]) -> str:
    """Return an id for a new draft that none of these orders has."""
    taken = {each.get("id") for each in orders}
    return next(name for number in count(1) if (name := f"draft-{number}") not in taken)


def checked_order(order: Json) -> Resource:
    """Return an order that has a resourceType and an id; nothing else is checked. Raise CaseError for any other."""
    if not _ORDER_SCHEMA.is_valid(order):
        raise CaseError("An order is a JSON object with a resourceType, such as ServiceRequest, and an id.")
    found: Resource = order
    return found

"""Read the Parameters of a FHIR operation (FHIR R4, Operations): by name and type, with the place of each fault.

No message quotes a value that was sent. A parameter that the operation does not know is ignored, as FHIR R4 allows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.dates import parse
from fhir_mappings.fhir_json import Json, Resource

MOST_PARAMETERS = 1_000
"""How many parameters a call may have, parameters that are ignored included."""
LONGEST_TEXT = 1_000
"""How many characters a text, a canonical, or another address may have."""
_LONGEST_NUMBER = 10

_CANONICAL = ("valueCanonical", "valueUri", "valueUrl", "valueString")
_STRING = ("valueString", "valueId", "valueCode", "valueUri", "valueCanonical", "valueUuid")
_INSTANT = ("valueInstant", "valueDateTime")
_DATE = ("valueDate", "valueDateTime")
_INTEGER = ("valueInteger", "valueUnsignedInt", "valuePositiveInt")
_BOOLEAN = ("valueBoolean",)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter as it was sent: its members, and its place as a FHIRPath expression, or its name in a query."""

    members: Resource
    place: str
    is_query: bool = False

    def place_of(self, member: str) -> str:
        """Return the place of its value under a member."""
        return self.place if self.is_query else f"{self.place}.{member}"

    def value(self, name: str, members: tuple[str, ...], wanted: str) -> tuple[Json, str]:
        """Return the value under one of these members and its place. Raise RefusedError (400) without exactly one."""
        sent = [each for each in self.members if each.startswith("value") or each in ("resource", "part")]
        if len(sent) != 1 or sent[0] not in members:
            raise _refused(self.place, name, f"Send it as {members[0]}: {wanted}")
        return self.members[sent[0]], self.place_of(sent[0])


class Parameters:
    """The parameters of one call. Each method raises RefusedError (400) for a value of another type.

    Methods for one value return None if the parameter was not sent, and refuse one that was sent twice.
    """

    def __init__(self, sent: Iterable[tuple[str, _Parameter]]) -> None:
        self._by_name: dict[str, list[_Parameter]] = {}
        for name, parameter in sent:
            self._by_name.setdefault(name, []).append(parameter)

    def __contains__(self, name: str) -> bool:
        """Return whether a parameter was sent."""
        return name in self._by_name

    def places(self, name: str) -> tuple[str, ...]:
        """Return where each value of a parameter stands: `Parameters.parameter[0].resource`, in their order."""
        return tuple(_place_of_value(each) for each in self._by_name.get(name, ()))

    def place(self, name: str) -> str:
        """Return where the first value of a parameter stands; where it would stand if it was not sent."""
        return next(iter(self.places(name)), f"Parameters.parameter.where(name='{name}')")

    def one(self, name: str, *types: str) -> Resource | None:
        """Return the resource of a parameter, of one of these types if any is given."""
        parameter = self._single(name)
        return None if parameter is None else _resource(name, parameter, types)

    def all(self, name: str, *types: str) -> tuple[Resource, ...]:
        """Return the resources of a parameter that may repeat, in their order."""
        return tuple(_resource(name, each, types) for each in self._by_name.get(name, ()))

    def canonical(self, name: str) -> str | None:
        """Return the canonical or other address of a parameter, its version included."""
        parameter = self._single(name)
        return None if parameter is None else _text(name, parameter, _CANONICAL, _CANONICAL_WANTED)

    def canonicals(self, name: str) -> tuple[str, ...]:
        """Return the canonicals of a parameter that may repeat, in their order, each once."""
        found = (_text(name, each, _CANONICAL, _CANONICAL_WANTED) for each in self._by_name.get(name, ()))
        return tuple(dict.fromkeys(found))

    def string(self, name: str) -> str | None:
        """Return the text of a parameter."""
        parameter = self._single(name)
        return None if parameter is None else _text(name, parameter, _STRING, _STRING_WANTED)

    def instant(self, name: str) -> datetime | None:
        """Return the moment of a parameter, with its time zone."""
        if (parameter := self._single(name)) is None:
            return None
        wanted = "a date and a time with its zone, such as 2026-03-02T08:30:00Z."
        value, place = parameter.value(name, _INSTANT, wanted)
        moment = parse(value, UTC)
        if moment is None or moment.instant is None:
            raise _refused(place, name, f"Send {wanted}")
        return moment.instant

    def date(self, name: str) -> str | None:
        """Return the date of a parameter as it was sent: a year, a month, a day, or a moment."""
        if (parameter := self._single(name)) is None:
            return None
        wanted = "a date, such as 2026-03-02."
        value, place = parameter.value(name, _DATE, wanted)
        if not isinstance(value, str) or parse(value, UTC) is None:
            raise _refused(place, name, f"Send {wanted}")
        return value

    def integer(self, name: str) -> int | None:
        """Return the whole number of a parameter, 0 or more: no operation of this service has a negative one."""
        if (parameter := self._single(name)) is None:
            return None
        wanted = "a whole number from 0 to 2147483647."
        value, place = parameter.value(name, _INTEGER, wanted)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise _refused(place, name, f"Send {wanted}")
        return value

    def boolean(self, name: str) -> bool | None:
        """Return whether a parameter is true."""
        if (parameter := self._single(name)) is None:
            return None
        value, place = parameter.value(name, _BOOLEAN, "true or false.")
        if not isinstance(value, bool):
            raise _refused(place, name, "Send true or false.")
        return value

    def _single(self, name: str) -> _Parameter | None:
        sent = self._by_name.get(name, [])
        if len(sent) > 1:
            raise _refused(sent[1].place, name, "Send it once.")
        return sent[0] if sent else None


def read_parameters(value: Json) -> Parameters:
    """Return the parameters in a parsed request body.

    Raise RefusedError with the place: 400 for anything but a Parameters resource, 413 for too many parameters.
    """
    if not isinstance(value, Mapping) or value.get("resourceType") != "Parameters":
        raise RefusedError(400, Issue("structure", "Send a FHIR resource of the type Parameters as the body."))
    sent = value.get("parameter", [])
    if not isinstance(sent, list):
        raise RefusedError(400, Issue("structure", "Send parameter as a list.", "Parameters.parameter"))
    if len(sent) > MOST_PARAMETERS:
        raise RefusedError(
            413, Issue("too-long", f"Send at most {MOST_PARAMETERS} parameters.", "Parameters.parameter")
        )
    return Parameters(_named(each, f"Parameters.parameter[{number}]") for number, each in enumerate(sent))


def query_parameters(query: Iterable[tuple[str, str]], types: Mapping[str, str]) -> Parameters:
    """Return the parameters in the query of a GET (FHIR R4, Operations: those that change nothing may be called so).

    `types` has the type of each that the operation knows, such as `valueInteger`. A number that is none stays text,
    so that its method refuses it. The place of each is its name.
    """
    return Parameters(_from_query(name, value, types[name]) for name, value in query if name in types)


def _from_query(name: str, value: str, member: str) -> tuple[str, _Parameter]:
    is_number = member == "valueInteger" and value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER
    return name, _Parameter({member: int(value) if is_number else value}, name, is_query=True)


def missing(name: str, wanted: str) -> RefusedError:
    """Return the refusal (400) of a call without a parameter that it needs; `wanted` says what to send."""
    return RefusedError(400, Issue("required", f"{name} is required. {wanted}", "Parameters.parameter"))


def _named(value: Json, place: str) -> tuple[str, _Parameter]:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise RefusedError(400, Issue("structure", f"{place} has no name. Send an object with name and value.", place))
    return value["name"], _Parameter(value, place)


def _place_of_value(parameter: _Parameter) -> str:
    member = next((each for each in parameter.members if each.startswith("value") or each == "resource"), "")
    return parameter.place_of(member) if member in _KNOWN_MEMBERS else parameter.place


def _resource(name: str, parameter: _Parameter, types: tuple[str, ...]) -> Resource:
    wanted = f"a FHIR resource of the type {' or '.join(types)}." if types else "a FHIR resource."
    value, place = parameter.value(name, ("resource",), wanted)
    kind = value.get("resourceType") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or (types and kind not in types):
        raise _refused(place, name, f"Send {wanted}")
    found: Resource = value
    return found


def _text(name: str, parameter: _Parameter, members: tuple[str, ...], wanted: str) -> str:
    value, place = parameter.value(name, members, wanted)
    if not isinstance(value, str) or not _is_text(value) or len(value) > LONGEST_TEXT:
        raise _refused(place, name, f"Send {wanted}")
    return value.strip()


def _is_text(value: str) -> bool:
    """Return whether a text says anything, and has nothing that a database cannot keep, such as half a character."""
    written = "".join(value.split())
    return bool(written) and written.isprintable()


def _refused(place: str, name: str, wanted: str) -> RefusedError:
    what = place if place == name else f"{place} ({name})"
    return RefusedError(400, Issue("value", f"{what} is not valid. {wanted}", place))


_CANONICAL_WANTED = f"a canonical of at most {LONGEST_TEXT} characters, with or without |version."
_STRING_WANTED = f"a text of at most {LONGEST_TEXT} characters, none of them a control character."
_KNOWN_MEMBERS = frozenset((*_CANONICAL, *_STRING, *_INSTANT, *_DATE, *_INTEGER, *_BOOLEAN, "resource"))
"""The members that an error may name; any other may be something of a patient."""

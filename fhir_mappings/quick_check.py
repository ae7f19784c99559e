"""A quick check that passes most valid resources, so that only the others need the slower models of fhir.resources.

It walks over the JSON with tables that it reads from those models, and passes only what is certain. Whatever is
unusual in any way does not pass, valid or not: null, a modifier, an extension of a primitive value, a code with a
space, deep nesting.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeAlias, Union, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class
from pydantic.fields import FieldInfo

from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.modifiers import MODIFIERS

Check: TypeAlias = Callable[[Any], object]
"""A check of a primitive value; the result is true if the value certainly is valid."""

_MAX_LEVELS = 12
"""How many objects may be nested; fhir.resources fails on nesting that is far deeper."""


def passes_quick_check(resource: Resource) -> bool:
    """Return whether a resource certainly is valid FHIR R4 and has no modifier; one that does not pass may be both."""
    try:
        return _fits(resource, "Resource", _MAX_LEVELS)
    except (KeyError, TypeError, ValueError):  # no known resource type, no string, no day of the calendar
        return False


class _Member(NamedTuple):
    """An element: the `check` of a primitive value, else its type and whether it is a list.

    `bit` is the same for the choices of one element (`onset[x]`), one of its own for an element that must be there, and
    zero for any other.
    """

    check: Check | None
    type_name: str
    is_list: bool
    bit: int


class _Table(NamedTuple):
    """What an object of one type may hold, and the bits of what it must."""

    members: Mapping[str, _Member]
    required: int


def _fits(value: Json, type_name: str, levels: int) -> bool:
    """Return whether a value certainly is a valid object of a type. Raise KeyError or ValueError for unknown names."""
    if type(value) is not dict or not levels:
        return False
    members, required = _table(value["resourceType"] if type_name == "Resource" else type_name)
    found = 0
    for name, part in value.items():
        check, part_type, is_list, bit = members[name]
        if bit:
            if found & bit:  # two of one choice
                return False
            found |= bit
        if check is not None:
            if not check(part):
                return False
        elif is_list:
            if type(part) is not list:
                return False
            for each in part:
                if not _fits(each, part_type, levels - 1):
                    return False
        elif not _fits(part, part_type, levels - 1):
            return False
    return not required & ~found


@cache
def _table(type_name: str) -> _Table:
    """Read the table of a type from its model, without elements that are left to the models themselves."""
    model = get_fhir_model_class(type_name)
    empty = model.model_construct()
    names = {field: info.alias or field for field, info in model.model_fields.items()}
    must_have = {name for name, _ in empty.get_required_fields()}
    must_have |= {names[field] for field, info in model.model_fields.items() if info.is_required()}
    bits = {name: 1 << position for position, name in enumerate(sorted(must_have))}
    required = (1 << len(bits)) - 1
    for position, fields in enumerate(empty.get_one_of_many_fields().values(), start=len(bits)):
        bits |= dict.fromkeys((names[field] for field in fields), 1 << position)
        if _must_have_one(model.model_fields[fields[0]]):
            required |= 1 << position
    members: dict[str, _Member] = {}
    for field, info in model.model_fields.items():
        name = names[field]
        kind, is_list = kind_of(info.annotation)
        if name.startswith("_") or name in MODIFIERS:
            continue
        bit = bits.get(name, 0)
        if hasattr(kind, "get_model_klass"):
            members[name] = _Member(None, kind.__name__.removesuffix("Type"), is_list, bit)
        elif check := _CHECKS.get(_primitive_name(kind)):
            members[name] = _Member(_each(check) if is_list else check, "", is_list, bit)
    if model.has_resource_base():
        members["resourceType"] = _Member(lambda value: value == type_name, "", False, 0)
    return _Table(members, required)


def kind_of(annotation: Any) -> tuple[Any, bool]:
    """Return the type in an annotation such as `list[Coding] | None`, and whether it is in a list."""
    is_list = False
    while get_origin(annotation) in (list, Union, UnionType):
        is_list = is_list or get_origin(annotation) is list
        annotation = next(each for each in get_args(annotation) if each is not NoneType)
    return annotation, is_list


def _primitive_name(kind: Any) -> str:
    """Return the FHIR name of a primitive type (`dateTime`), empty for any other type."""
    if kind is bool:
        return "boolean"
    return str(getattr(kind.__metadata__[-1], "__visit_name__", "")) if get_origin(kind) is Annotated else ""


def _must_have_one(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra["one_of_many_required"])


def _each(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def _is_text(value: Json) -> bool:
    return type(value) is str and value.strip() != "" and (value.isascii() or not _SURROGATE(value))


def _is_boolean(value: Json) -> bool:
    return type(value) is bool


def _is_decimal(value: Json) -> bool:
    return value.is_finite() if type(value) is Decimal else _is_integer(value)


def _is_integer(value: Json) -> bool:
    return type(value) is int and -_MAX_INTEGER <= value <= _MAX_INTEGER


def _is_unsigned(value: Json) -> bool:
    return type(value) is int and 0 <= value <= _MAX_INTEGER


def _is_positive(value: Json) -> bool:
    return type(value) is int and 0 < value <= _MAX_INTEGER


def _is_base64(value: Json) -> bool:
    return len(value) % 4 == 0 and _BASE64(value) is not None


def _is_date(value: Json) -> bool:
    return bool(_LIKE_DAY(value) and date.fromisoformat(value)) or _PART_OF_DATE(value) is not None


def _is_date_time(value: Json) -> bool:
    return bool(_LIKE_DAY_OR_MOMENT(value) and datetime.fromisoformat(value)) or _PART_OF_DATE(value) is not None


def _is_instant(value: Json) -> bool:
    return bool(_LIKE_MOMENT(value) and datetime.fromisoformat(value))


_MAX_INTEGER = 2**31 - 1
_SURROGATE = re.compile("[\ud800-\udfff]").search
_BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}").fullmatch
_PART_OF_DATE = re.compile("[1-9][0-9]{3}(?:-(?:0[1-9]|1[0-2]))?").fullmatch
_DAY = "[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?"
_MOMENT = f"{_DAY}T{_TIME}(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_LIKE_DAY = re.compile(_DAY).fullmatch
_LIKE_DAY_OR_MOMENT = re.compile(f"{_DAY}|{_MOMENT}").fullmatch
_LIKE_MOMENT = re.compile(_MOMENT).fullmatch
_CHECKS: Mapping[str, Check] = {
    "base64Binary": _is_base64,
    "boolean": _is_boolean,
    "canonical": _is_text,
    "code": re.compile("[!-~]+").fullmatch,
    "date": _is_date,
    "dateTime": _is_date_time,
    "decimal": _is_decimal,
    "id": re.compile("[A-Za-z0-9.-]{1,64}").fullmatch,
    "instant": _is_instant,
    "integer": _is_integer,
    "markdown": _is_text,
    "positiveInt": _is_positive,
    "string": _is_text,
    "time": re.compile(_TIME).fullmatch,
    "unsignedInt": _is_unsigned,
    "uri": _is_text,
    "url": _is_text,
    "xhtml": _is_text,
}
"""Checks of primitive types, each stricter than the model; types that are rare in charts have none."""

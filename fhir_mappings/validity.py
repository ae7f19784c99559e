"""Validation of one resource at a time, element by element, with the R4B models of fhir.resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.modifiers import modified_elements
from fhir_mappings.quick_check import passes_quick_check

_UNREADABLE = "cannot be read"
_WHOLE = "root"
"""Stands in the library's paths for an object that is none; FHIR R4 has no element of this name."""
MAX_FAULTS = 100
"""How many faults of one resource are listed; one with more is faulty as a whole."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One element that does not follow FHIR R4: its path and what is wrong, never its value."""

    path: str
    what: str

    @property
    def element(self) -> str:
        """Return the top-level element of the fault as it is spelled in the resource (`onsetDateTime`)."""
        return self.path.split(".")[1] if "." in self.path else ""


class Findings(NamedTuple):
    """The faults of a resource, and its elements with a modifier in them, as `modified_elements` yields them."""

    faults: tuple[Fault, ...] = ()
    modified: tuple[tuple[str, str], ...] = ()


_NOTHING = Findings()


def _model(resource_type: str) -> type[Any] | None:
    try:
        return get_fhir_model_class(resource_type)
    except (KeyError, ValueError):
        return None


def is_resource_type(name: Json) -> bool:
    """Return whether FHIR R4 defines a resource type of this name."""
    model = _model(name) if isinstance(name, str) else None
    return model is not None and model.has_resource_base()


def element_names(resource_type: str) -> frozenset[str]:
    """Return the elements of a resource type in FHIR R4; none for a type that R4 does not define."""
    model = _model(resource_type)
    if model is None:
        return frozenset()
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def codes_of(resource_type: str, element: str) -> frozenset[str]:
    """Return the codes that an element may have; none if its model does not list them all, or has no such element."""
    model = _model(resource_type)
    field = model.model_fields.get(element) if model else None
    stated = field.json_schema_extra if field else None
    codes = stated.get("enum_values") if isinstance(stated, dict) else None
    return frozenset(map(str, codes)) if isinstance(codes, list) and "+" not in codes else frozenset()


def findings(resource: Resource) -> Findings:
    """Return everything because of which a resource, or an element of it, may not decide."""
    if passes_quick_check(resource):
        return _NOTHING
    return Findings(faults_by_models(resource), tuple(modified_elements(resource)))


def faults(resource: Resource) -> tuple[Fault, ...]:
    """Return everything in a resource that FHIR R4 does not allow.

    One fault can hide others, so remove each faulty element and validate the rest again. A resource type that FHIR R4
    does not define, nesting too deep to check, or more than 100 faults are one fault at the root.
    """
    return () if passes_quick_check(resource) else faults_by_models(resource)


def faults_by_models(resource: Resource) -> tuple[Fault, ...]:
    """Return the faults of a resource by the models alone, without the quick check; slow for a valid resource too."""
    resource_type = resource.get("resourceType")
    model = _model(resource_type) if isinstance(resource_type, str) else None
    if model is None:
        return (Fault(str(resource_type) if isinstance(resource_type, str) else "Resource", "unknown resource type"),)
    found: list[Fault] = []
    rest: dict[str, Any] = dict(resource)
    while True:
        try:
            model.model_validate(rest)
        except ValidationError as error:
            if error.error_count() > MAX_FAULTS:
                return (Fault(str(resource_type), f"more than {MAX_FAULTS} faults"),)
            new = [_fault(str(resource_type), entry) for entry in error.errors(include_input=False, include_url=False)]
            found = list(dict.fromkeys((*found, *new)))
            before = len(rest)
            for fault in new:
                rest.pop(fault.element, None)
                rest.pop(f"_{fault.element}", None)
            if len(rest) == before:
                return tuple(found)
        except RecursionError:
            return (*found, Fault(str(resource_type), "nested too deeply"))
        except Exception:  # the library itself fails on some input, such as a contained resource of an unknown type
            broken = _breaking(model, rest)
            found.extend(Fault(f"{resource_type}.{name}", _UNREADABLE) for name in broken)
            if not broken:
                return (*found, Fault(str(resource_type), _UNREADABLE))
            for name in broken:
                del rest[name]
        else:
            return tuple(found)


def _breaking(model: type[BaseModel], resource: Resource) -> list[str]:
    """Return the elements on which the library itself fails, each validated separately."""
    found = []
    for name, value in resource.items():
        if name == "resourceType":
            continue
        try:
            model.model_validate({"resourceType": resource["resourceType"], name: value})
        except ValidationError:
            continue
        except Exception:
            found.append(name)
    return found


def _fault(resource_type: str, error: Mapping[str, Any]) -> Fault:
    path = ".".join([resource_type, *(str(part) for part in error["loc"] if part != _WHOLE)])
    return Fault(path, str(error["type"]).replace("_", " "))


_DATA_TYPES = (
    *("Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactPoint", "Dosage", "Duration"),
    *("Extension", "HumanName", "Identifier", "Meta", "Money", "Narrative", "Period", "Quantity", "Range", "Ratio"),
    *("Reference", "SampledData", "Timing"),
)


def warm(*resource_types: str) -> None:
    """Build the models of resources and data types and the tables of the quick check ahead.

    Each model takes tens of milliseconds once.
    """
    for name in (*resource_types, *_DATA_TYPES):
        empty = {"resourceType": name}
        passes_quick_check(empty)
        faults_by_models(empty)

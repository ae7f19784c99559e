"""Leave out of a resource what FHIR R4 does not define, so that only the rest is validated.

CRD 2.2.1 (found-33) has a server ignore unexpected elements, and the models of fhir.resources allow none.
"""

from collections.abc import Mapping
from functools import cache

from fhir.resources.R4B import get_fhir_model_class

from fhir_mappings.fhir_json import MAX_DEPTH, Json, Resource
from fhir_mappings.quick_check import kind_of
from fhir_mappings.validity import is_resource_type

_ANY_RESOURCE = "Resource"


def only_defined(resource: Resource) -> Resource:
    """Return a resource without the elements that FHIR R4 does not define, at any level.

    Of a resource whose type FHIR R4 does not define, the outer one or a contained one, only the type stays. What is
    nested over 100 levels deep stays as it is.
    """
    found: Resource = _defined(resource, _ANY_RESOURCE, MAX_DEPTH)
    return found


def _defined(value: Json, type_name: str, levels: int) -> Json:
    if isinstance(value, list):
        return [_defined(each, type_name, levels) for each in value]
    if not isinstance(value, Mapping) or not levels:
        return value
    stated = value.get("resourceType")
    if type_name == _ANY_RESOURCE and not is_resource_type(stated):
        return {} if stated is None else {"resourceType": stated}
    types = _types(stated if type_name == _ANY_RESOURCE else type_name)
    return {
        name: _defined(part, types[name], levels - 1) if types[name] else part
        for name, part in value.items()
        if name in types
    }


@cache
def _types(type_name: str) -> Mapping[str, str]:
    """Return the elements of a type by name, each with the type of its objects, which is empty for a primitive."""
    model = get_fhir_model_class(type_name)
    found = {"resourceType": ""} if model.has_resource_base() else {}
    for field, info in model.model_fields.items():
        kind, _ = kind_of(info.annotation)
        found[info.alias or field] = kind.__name__.removesuffix("Type") if hasattr(kind, "get_model_klass") else ""
    return found

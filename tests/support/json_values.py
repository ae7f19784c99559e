"""All values in a JSON document."""

from typing import Any


def values(value: Any) -> list[Any]:
    """Every value in a JSON document, including the document."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(found for child in children for found in values(child))]

"""The notes of a resource: the texts of its Annotations."""

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource


def note_texts(resource: Resource) -> list[str]:
    """Return the text of each note, without notes that have none."""
    if "note" not in resource:
        return []
    return [note["text"] for note in items(resource["note"]) if isinstance(note.get("text"), str)]

"""The canonicals of what the FHIR base publishes: forms of policies, with a version per edition, and value sets."""


def questionnaire_url(canonical_base: str, policy: str) -> str:
    """Return the canonical URL of the form of a policy, the same for each of its revisions."""
    return f"{canonical_base.rstrip('/')}/fhir/Questionnaire/{policy}"


def questionnaire_version(revision: str, edition: int) -> str:
    """Return the version of the form of a revision in one edition: `2025-04.2`."""
    return f"{revision}.{edition}"


def questionnaire_canonical(canonical_base: str, policy: str, revision: str, edition: int) -> str:
    """Return the canonical with the version: `https://cds.example.org/fhir/Questionnaire/CP.MP.126|2025-04.2`."""
    return f"{questionnaire_url(canonical_base, policy)}|{questionnaire_version(revision, edition)}"


def value_set_url(canonical_base: str, set_id: str) -> str:
    """Return the canonical URL of a value set by its id."""
    return f"{canonical_base.rstrip('/')}/fhir/ValueSet/{set_id}"

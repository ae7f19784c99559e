"""Why a clinician may go on against a coverage card (CDS Hooks 2.0.1, overrideReasons)."""

SYSTEM = "urn:cds-coverage-policies:override-reason"

OVERRIDE_REASONS = tuple(
    {"code": code, "system": SYSTEM, "display": display}
    for code, display in (
        ("patient-pays", "The patient will pay"),
        ("documented-elsewhere", "It is documented elsewhere"),
        ("urgent", "It is urgent"),
        ("plan-differs", "The patient's plan follows other rules"),
        ("clinical-judgement", "Clinical judgment"),
        ("other", "Another reason"),
    )
)
"""The reasons offered on every card that asks for something or warns."""

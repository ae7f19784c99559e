"""Reasons a clinician may give for overriding a coverage card (CDS Hooks 2.0.1, overrideReasons)."""

SYSTEM = "urn:cds-coverage-policies:override-reason"

OVERRIDE_REASONS = tuple(
    {"code": code, "system": SYSTEM, "display": display}
    for code, display in (
        ("patient-pays", "Patient will self-pay"),
        ("documented-elsewhere", "Documented elsewhere"),
        ("urgent", "Urgent or emergent"),
        ("plan-differs", "Patient's plan uses different criteria"),
        ("clinical-judgement", "Clinical judgment"),
        ("other", "Other"),
    )
)
"""The reasons offered on every card that warns or asks for documentation."""

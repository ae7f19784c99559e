"""The payers of the sample coverages, as an operator who answers for both would configure them."""

from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Contact, Covered, PayerTerms
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.codings import CPT, HCPCS

PAYER_IDS = "https://sample-ehr.example/payer-id"
"""The system of the identifiers of the payers in the sample charts."""

_TERMS = PayerTerms(
    if_supported=Covered.COVERED,
    if_not_met=Covered.NOT_COVERED,
    codes={
        (CPT, "27279"): CodeTerms(authorization=Authorization.AUTH_NEEDED),
        (HCPCS, "E0601"): CodeTerms(authorization=Authorization.NO_AUTH),
    },
    contact=Contact(name="Utilization management (invented)", phone="+1-555-555-0100"),
)

SAMPLE_PAYERS = PlanRules(
    payers=(
        Payer(
            "Sample Health Plan",
            ("Centene Corporation",),
            identifiers=frozenset({f"{PAYER_IDS}|SAMPLE-HEALTH-PLAN"}),
            terms=_TERMS,
        ),
        Payer(
            "Medicare",
            ("Centers for Medicare & Medicaid Services",),
            identifiers=frozenset({f"{PAYER_IDS}|MEDICARE"}),
            terms=_TERMS,
        ),
    )
)

"""FHIR JSON to clinical facts: records, dates, codes, doses, orders, and pain scores around procedures.

This package knows FHIR and arithmetic, but no policy, threshold, clock, or network.
"""

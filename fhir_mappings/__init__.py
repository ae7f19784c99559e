"""FHIR JSON to clinical facts: records, dates, codes, doses, orders, injections with their scores.

This room knows FHIR and arithmetic. It knows no policy, no threshold, no clock and no network.
"""

"""The built-in sample EHR: invented charts, and a FHIR R4 server that reads and searches them.

It serves the demo and the tests, and has no state except its charts.
"""

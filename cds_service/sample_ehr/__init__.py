"""The built-in sample EHR: invented charts, and a FHIR R4 server that reads and searches them.

It serves the demo and the tests. It can launch SMART apps, which may write forms. All state is in memory.
"""

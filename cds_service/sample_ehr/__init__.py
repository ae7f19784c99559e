"""The built-in sample EHR: invented charts, and a FHIR R4 server that reads and searches them.

It serves the demo, the tests and a chart handed over as a file. It holds no state but the charts it was given.
"""

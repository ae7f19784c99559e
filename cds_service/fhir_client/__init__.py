"""The FHIR client: read a server over HTTP, guarded and bounded, or a chart in memory."""

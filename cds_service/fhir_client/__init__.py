"""Reads FHIR: from a server over HTTP, guarded and bounded, or from a chart in memory."""

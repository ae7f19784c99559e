"""Insights: what the service answered, what became of it, and single decisions."""

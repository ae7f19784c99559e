"""Connects the parts of the service: the only place that knows all of them."""

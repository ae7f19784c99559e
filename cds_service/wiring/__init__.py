"""The wiring of the service: the only package that imports all others."""

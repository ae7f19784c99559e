"""The checks of the self-check, one module for each area."""

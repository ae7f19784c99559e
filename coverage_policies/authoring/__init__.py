"""Tools for policy authors: cases, lint, descriptions, diffs. Nothing that judges an order imports these."""

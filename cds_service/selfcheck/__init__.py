"""The self-check: a checklist of CDS Hooks, Da Vinci CRD, and Da Vinci DTR against any running server."""

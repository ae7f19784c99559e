"""Registered CDS Clients and the check of the signed tokens they send (CDS Hooks 2.0.1, Trusting CDS Clients)."""

"""Who may call: registered EHRs and the signed tokens they send (CDS Hooks 2.0.1, Trusting CDS Clients)."""

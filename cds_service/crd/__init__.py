"""Da Vinci CRD: the answers of a payer to the orders of its members, on top of CDS Hooks."""

"""What the service keeps: decisions, feedback, tokens already used. Never a name, an id or a date of a patient."""

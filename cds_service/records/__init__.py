"""Stored decisions and feedback: the database, the decision log, reports, and the check of a recorded decision."""

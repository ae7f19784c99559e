"""Logs and metrics. Neither holds data of patients, and no metric label has a value that a call could choose."""

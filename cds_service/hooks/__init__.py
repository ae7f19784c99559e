"""CDS Hooks without Flask: requests, feedback, errors, and the one walk from a request to a review."""

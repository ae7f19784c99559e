"""`cds-service policies …`: for the people who write and read policies."""

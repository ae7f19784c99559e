"""The policy pages: what is installed, each revision to read, what changed between two, and a search."""

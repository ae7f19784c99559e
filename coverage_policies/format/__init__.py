"""The policy format: documents, value sets, and the model that they are loaded into."""

"""Policy documents and everything that knows them: format, operators, judging, and authoring."""

"""The policy documents and everything that knows them: loader, lint, which text applies, operators, evaluator."""

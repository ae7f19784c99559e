"""Forms: a policy revision as a FHIR Questionnaire, and the draft of its response for one order."""

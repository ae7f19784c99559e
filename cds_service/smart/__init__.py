"""The questionnaire app: a SMART App Launch 2 client that asks what a policy leaves open. It knows no Flask."""

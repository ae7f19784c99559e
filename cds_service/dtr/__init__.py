"""Da Vinci DTR: the operations of the FHIR base that serve forms and their codes to DTR clients, without Flask."""

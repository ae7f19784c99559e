"""The login of operators by OpenID Connect, without Flask."""

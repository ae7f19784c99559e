"""The JWS algorithms a client may register: signatures with a private key, never a shared secret, never none."""

USUAL = ("ES384", "RS384")
"""What CDS Hooks recommends, and what a client may use that registers no others."""

ALGORITHMS = (
    *USUAL,
    "ES256",
    "ES512",
    "ES256K",
    "RS256",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
)

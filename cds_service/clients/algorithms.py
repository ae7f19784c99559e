"""The JWS algorithms a client may register: signatures by a private key, never a shared secret, never `none`."""

USUAL = ("ES384", "RS384")
"""The algorithms CDS Hooks recommends; the default of a client that registers none."""

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

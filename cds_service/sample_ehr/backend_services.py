"""SMART Backend Services for the DTR client of the sample EHR: a key for an access token (SMART App Launch 2.2)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
import requests
from jwt.algorithms import AllowedPrivateKeys

_SECONDS = 30
_VALID = timedelta(minutes=4)
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = "system/Questionnaire.rs system/ValueSet.rs"


@dataclass(frozen=True, slots=True)
class BackendKey:
    """The private key of a registered client. `algorithm` is ES384 or RS384."""

    client_id: str
    key: AllowedPrivateKeys = field(repr=False)
    key_id: str
    algorithm: str = "ES384"

    def access_token(self, base: str, *, now: datetime, new_id: Callable[[], str], scope: str = SCOPES) -> str:
        """Return an access token for the FHIR base. Raise requests.HTTPError if the server refuses it."""
        discovery = requests.get(f"{base}/.well-known/smart-configuration", timeout=_SECONDS)
        discovery.raise_for_status()
        address = discovery.json()["token_endpoint"]
        response = requests.post(
            address,
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(address, now, new_id()),
                "scope": scope,
            },
            timeout=_SECONDS,
        )
        response.raise_for_status()
        return str(response.json()["access_token"])

    def _assertion(self, address: str, now: datetime, own_id: str) -> str:
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": address, "jti": own_id, "exp": now + _VALID}
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.key_id, "typ": "JWT"})

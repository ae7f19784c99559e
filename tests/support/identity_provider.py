"""An OpenID Connect provider on loopback with switches, and a browser that keeps the cookies of one person."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from flask import Flask, Response, redirect, request

from tests.support.client_fakes import jwk, private_key

CLIENT_ID = "cds-pages"
SECRET = "a secret: with + and %"
USER: dict[str, Any] = {"sub": "u-1", "name": "Ada Example", "groups": ["cds-operators"]}


class IdentityProvider:
    """Signs in `user` at once. A test changes what it says: `claims`, `answers`, `configuration`.

    `claims` replace or, if None, remove claims of the ID token. `sign` makes the ID token. `instead` answers in place
    of an endpoint, by its name. It takes a code once.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.issuer = ""
        self.user = dict(USER)
        self.claims: dict[str, Any] = {}
        self.configuration: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = signed
        self.instead: dict[str, Callable[[], Any]] = {}
        self.keys = [jwk()]
        self.asked: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.app = Flask("identity provider")
        self.app.before_request(_refuse_other_types)
        self.app.add_url_rule("/.well-known/openid-configuration", "configuration", self._configuration)
        self.app.add_url_rule("/authorize", "authorize", self._authorize)
        self.app.add_url_rule("/token", "token", self._token, methods=["POST"])
        self.app.add_url_rule("/keys", "keys", self._keys)

    def _configuration(self) -> Any:
        if "configuration" in self.instead:
            return self.instead["configuration"]()
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/end",
            "scopes_supported": ["openid", "profile", "email", "groups"],
            **self.configuration,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _authorize(self) -> Any:
        asked = dict(request.args)
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self.codes[code] = asked
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def _token(self) -> Any:
        if "token" in self.instead:
            return self.instead["token"]()
        form = dict(request.form)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or not self._knows_client(form):
            return {"error": "invalid_grant"}, 400
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked["code_challenge_method"] != "S256" or asked["code_challenge"] != challenge:
            return {"error": "invalid_grant"}, 400
        now = int(self._clock().timestamp())
        told = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        told = {**told, **self.user, **self.claims}
        id_token = self.sign({name: value for name, value in told.items() if value is not None})
        return {"access_token": "access-1", "token_type": "Bearer", "id_token": id_token}

    def _keys(self) -> Response:
        return Response(json.dumps({"keys": self.keys}), mimetype="application/json")

    def _knows_client(self, form: dict[str, str]) -> bool:
        pair = (form.get("client_id", ""), form.get("client_secret", ""))
        if header := request.headers.get("Authorization", "").removeprefix("Basic "):
            name, _, secret = b64decode(header).decode().partition(":")
            pair = (unquote_plus(name), unquote_plus(secret))
        return pair == (CLIENT_ID, SECRET)


def signed(claims: dict[str, Any], *, algorithm: str = "ES384", name: str = "first", kid: str = "k1") -> str:
    """Return a JWT signed with a key of this name."""
    return jwt.PyJWS().encode(
        json.dumps(claims).encode(), private_key(algorithm, name), algorithm, headers={"kid": kid, "typ": "JWT"}
    )


def _refuse_other_types() -> Response | None:
    """Answer 406 to requests for another type than JSON, as Keycloak does."""
    is_page = request.path == "/authorize"
    return None if is_page or request.accept_mimetypes.accept_json else Response(status=406)


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

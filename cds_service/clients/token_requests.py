"""Read and answer requests for access tokens: the client credentials grant (RFC 6749 4.4, SMART Backend Services)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cds_service.clients.access_tokens import LIFETIME_SECONDS, AccessToken, AccessTokens
from cds_service.clients.authenticator import Authenticator, Principal
from cds_service.clients.backend_services import BackendServices
from cds_service.clients.scopes import granted
from cds_service.clients.signed_tokens import InvalidTokenError

TOKEN_ENDPOINT = "/auth/token"  # noqa: S105
"""The path at which tokens are asked for."""
LONGEST_BODY = 16_384
"""The most bytes of the form in a request; a client assertion has 8192 at most."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
FORM = "application/x-www-form-urlencoded"
"""The content type of a request."""
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token that is issued, and the client that gets it."""

    principal: Principal
    token: AccessToken

    def as_json(self) -> dict[str, object]:
        """Return the body of the response (RFC 6749 5.1)."""
        return {
            "access_token": self.token.value,
            "token_type": "bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": " ".join(self.token.scopes),
        }


class TokenRequestError(Exception):
    """A request that gets no token.

    `error` is the code of RFC 6749 5.2, and `description` what to send. For the log there are the `refusal` of the
    client assertion, or the name of the `client` whose assertion is valid.
    """

    def __init__(
        self, error: str, description: str, *, refusal: InvalidTokenError | None = None, client: str = ""
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.refusal = refusal
        self.client = client

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return 401 if self.error == "invalid_client" else 400

    def as_json(self) -> dict[str, object]:
        """Return the body of the response (RFC 6749 5.2)."""
        return {"error": self.error, "error_description": self.description}


class TokenEndpoint:
    """Gives access tokens to registered clients. Thread-safe."""

    def __init__(self, authenticator: Authenticator, tokens: AccessTokens, address: str) -> None:
        """Take client assertions whose `aud` is this address, at which the endpoint is called."""
        self.tokens = tokens
        self._authenticator = authenticator
        self._audiences = frozenset({address, f"{address}/"})

    def answer(self, body: bytes) -> Issued:
        """Return the access token that a form asks for. Raise TokenRequestError.

        Raises UnavailableError if the store of used tokens fails.
        """
        form = read_form(body)
        if not (grant_type := form.get("grant_type")):
            raise TokenRequestError("invalid_request", f"Send grant_type={GRANT_TYPE}.")
        if grant_type != GRANT_TYPE:
            raise TokenRequestError("unsupported_grant_type", f"Send grant_type={GRANT_TYPE}.")
        principal, registered = self._authenticated(form)
        if form.get("client_id", registered.client_id) != registered.client_id:
            says = "client_id is not that of the client assertion. Send client_assertion alone."
            raise TokenRequestError("invalid_client", says, client=principal.client.name)
        scopes = granted(form.get("scope", "").split(" "), registered.scopes)
        if not scopes:
            says = "No scope is asked for that this client may have. Send scope, such as system/Questionnaire.rs."
            raise TokenRequestError("invalid_scope", says, client=principal.client.name)
        return Issued(principal, self.tokens.issue(principal.client, scopes))

    def _authenticated(self, form: Mapping[str, str]) -> tuple[Principal, BackendServices]:
        if "client_secret" in form:
            says = "Send client_assertion alone; this service gives no client secrets."
            raise TokenRequestError("invalid_request", says)
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
            says = f"Send client_assertion, and client_assertion_type={ASSERTION_TYPE}."
            raise TokenRequestError("invalid_client", says)
        try:
            return self._authenticator.authenticate_assertion(assertion, self._audiences)
        except InvalidTokenError as error:
            says = "The client assertion is not valid. The log of the service has the reason under the X-Request-Id."
            raise TokenRequestError("invalid_client", says, refusal=error) from None


def read_form(body: bytes) -> dict[str, str]:
    """Return the parameters of a form; those without a value are left out. Raise TokenRequestError.

    A form has at most `LONGEST_BODY` bytes, and no parameter twice (RFC 6749 3.2).
    """
    if len(body) > LONGEST_BODY:
        raise TokenRequestError("invalid_request", f"The body is longer than {LONGEST_BODY} bytes. Send less.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        says = f"The body is not a form of at most {_MOST_FIELDS} parameters. Send {FORM}."
        raise TokenRequestError("invalid_request", says) from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TokenRequestError("invalid_request", "The form has a parameter twice. Send each once.")
    return {name: value for name, value in found.items() if value}

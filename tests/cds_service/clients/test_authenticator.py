"""Every reason for which a token is refused, one at a time; and what is taken."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cds_service.clients.algorithms import ALGORITHMS
from cds_service.clients.authenticator import Authenticator
from cds_service.clients.keys import read_jwk_set
from cds_service.clients.registry import Client
from cds_service.clients.signed_tokens import InvalidTokenError
from cds_service.http.authentication import audiences
from tests.support.client_fakes import (
    DISCOVERY,
    ISSUER,
    PUBLIC,
    SIGN,
    Clock,
    FixedKeys,
    InMemoryReplayGuard,
    claims,
    jwk,
    pem,
    private_key,
    token,
)
from tests.support.hook_fakes import NOW

JKU = f"{ISSUER}/jwks.json"
SECONDS = int(NOW.timestamp())
WRONG_VALUES: tuple[object, ...] = (None, "", 0, [], {}, True, [1], "\ud800")


class Door:
    """An authenticator for one client, whose keys are at hand."""

    def __init__(self, *keys: dict[str, Any], clock: Clock | None = None, **client: Any) -> None:
        self.clock = clock or Clock()
        self.keys = FixedKeys(read_jwk_set(json.dumps({"keys": keys or [jwk()]}).encode()))
        self.replay_guard = InMemoryReplayGuard(self.clock)
        self.authenticator = Authenticator(
            [(Client(**{"name": "ehr", "issuer": ISSUER, "jwks_url": JKU} | client), self.keys)],
            self.replay_guard,
            self.clock,
            skew_seconds=30,
            max_lifetime_seconds=3600,
        )

    def takes(self, value: str, url: str = SIGN) -> bool:
        """Whether a token is taken for an address; True, or the refusal is raised."""
        found = self.authenticator.authenticate(f"Bearer {value}", audiences(PUBLIC, url.removeprefix(PUBLIC)))
        return found.client.name == "ehr"

    def refuses(self, value: str, url: str = SIGN) -> str:
        """The reason for which a token is refused."""
        with pytest.raises(InvalidTokenError) as refused:
            self.authenticator.authenticate(f"Bearer {value}", audiences(PUBLIC, url.removeprefix(PUBLIC)))
        return refused.value.reason


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.requirement("7.119")
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_recommended_algorithms_are_taken_without_being_registered(algorithm: str) -> None:
    assert Door(jwk(algorithm=algorithm)).takes(token(algorithm=algorithm))


@pytest.mark.requirement("7.119")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("is_named", [True, False])
def test_an_algorithm_that_the_client_registered_is_taken(algorithm: str, is_named: bool) -> None:
    key = jwk(algorithm=algorithm, alg=algorithm if is_named else None)
    assert Door(key, algorithms=(algorithm,)).takes(token(algorithm=algorithm))


@pytest.mark.requirement("7.119")
def test_an_algorithm_that_the_client_did_not_register_is_refused() -> None:
    door = Door(jwk(algorithm="ES256"), jwk(kid="k2", algorithm="RS256"))
    assert "alg" in door.refuses(token(algorithm="ES256"))
    assert "alg" in door.refuses(token(algorithm="RS256", kid="k2"))
    assert "alg" in Door(jwk(), algorithms=("RS384",)).refuses(token())


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(algorithm: Any, secret: bytes = b"", **header: Any) -> str:
    """A token whose signature is no signature: nothing, or an HMAC with a secret."""
    signed = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'k1', **header})}.{part(claims())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(str(algorithm).upper())
    mac = hmac.new(secret, signed.encode(), digest).digest() if digest else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


SECRETS = {
    "nothing": b"",
    "pem": pem(),
    "pem-stripped": pem().strip(),
    "jwk": json.dumps(jwk()).encode(),
    "set": json.dumps({"keys": [jwk()]}).encode(),
    "x": jwk()["x"].encode(),
    "rsa-pem": pem("RS384"),
}


@pytest.mark.requirement("7.118")
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "hs256"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_shared_secret_is_refused_also_where_it_is_the_public_key(algorithm: str, secret: str) -> None:
    door = Door(jwk(), jwk(kid="k2", algorithm="RS384"))
    assert "alg" in door.refuses(forged(algorithm, SECRETS[secret]))
    assert door.keys.asked == 0


@pytest.mark.requirement("7.118")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 0, [], ["ES384"], {"alg": "ES384"}])
def test_an_unsigned_token_is_refused(door: Door, algorithm: Any) -> None:
    unsigned = forged(algorithm)
    assert door.refuses(f"{unsigned}AA")
    with pytest.raises(InvalidTokenError):
        door.authenticator.authenticate(f"Bearer {unsigned}", {SIGN})


@pytest.mark.requirement("7.118")
@pytest.mark.parametrize("secret", ["k", "pem"])
def test_a_shared_secret_in_the_key_set_checks_nothing(secret: str) -> None:
    oct_key = {"kty": "oct", "kid": "k1", "k": base64.urlsafe_b64encode(b"s" * 64).decode().rstrip("=")}
    door = Door(oct_key, jwk(kid="k2"))
    assert "alg" in door.refuses(forged("HS384", b"s" * 64))
    assert door.refuses(token())


@pytest.mark.requirement("7.118")
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("ES384", "RS384"), ("RS384", "ES384"), ("RS384", "RS256"), ("RS384", "PS384"), ("ES256", "ES384")],
)
def test_a_key_checks_only_what_it_is_for(key: str, algorithm: str) -> None:
    door = Door(jwk(algorithm=key, alg=key), algorithms=(key, algorithm))
    assert "no key" in door.refuses(token(algorithm=algorithm))


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (claim, value)
        for claim in ("iss", "aud", "exp", "iat", "jti")
        for value in WRONG_VALUES
        if (claim, value) != ("iat", 0)  # a moment, long ago
    ],
)
def test_a_claim_that_is_missing_or_of_the_wrong_kind_is_refused(door: Door, claim: str, value: Any) -> None:
    said = claims()
    del said[claim]
    reason = door.refuses(token(said if value is None else {**said, claim: value}))
    assert reason.startswith(claim)


def test_numbers_that_are_no_moment_are_refused(door: Door) -> None:
    for claim in ("exp", "iat", "nbf"):
        for value in (float("inf"), float("nan"), 10**400, -(10**400), str(SECONDS)):
            assert door.refuses(token({**claims(), claim: value})).startswith(claim)
    assert door.refuses(token(claims(exp=-1))) == "exp is past"


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize("kid", [None, "", 7, ["k1"]])
def test_a_token_without_kid_is_refused(door: Door, kid: Any) -> None:
    signed = f"{part({'alg': 'ES384', 'typ': 'JWT', **({} if kid is None else {'kid': kid})})}.{part(claims())}"
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384).sign(signed.encode(), private_key())
    assert door.refuses(f"{signed}.{base64.urlsafe_b64encode(signature).decode()}")
    assert door.keys.asked == 0


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize("typ", [None, "", "jwt", "JWS", "at+jwt"])
def test_a_token_without_typ_is_refused(door: Door, typ: Any) -> None:
    assert door.refuses(token(typ=typ)) == "typ is not JWT"


@pytest.mark.requirement("7.117")
def test_an_unknown_kid_is_refused(door: Door) -> None:
    assert "no key" in door.refuses(token(kid="k2"))


@pytest.mark.requirement("7.117")
def test_a_bad_signature_is_refused_and_uses_nothing_up(door: Door) -> None:
    said = claims()
    assert "signature" in door.refuses(token(said, name="another"))
    signed, _, signature = token(said).rpartition(".")
    head, _, body = signed.partition(".")
    other = part({**said, "aud": [SIGN]})
    assert "signature" in door.refuses(f"{head}.{other}.{signature}")
    assert "signature" in door.refuses(f"{head}.{body}.{token(said).rpartition('.')[2][:-4]}AAAA")
    assert door.replay_guard.used == {}
    assert door.takes(token(said))


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize("issuer", ["https://other.example.org", f"{ISSUER}/", ISSUER.upper(), f" {ISSUER}"])
def test_an_issuer_that_is_not_registered_is_refused(door: Door, issuer: str) -> None:
    assert door.refuses(token(claims(iss=issuer))) == "iss is not registered"
    assert door.keys.asked == 0


@pytest.mark.requirement("7.117")
def test_a_client_cannot_sign_for_another() -> None:
    door = Door()
    stranger = FixedKeys(read_jwk_set(json.dumps({"keys": [jwk(name="stranger")]}).encode()))
    both = Authenticator(
        [(Client("ehr", ISSUER), door.keys), (Client("stranger", "https://stranger.example.org"), stranger)],
        door.replay_guard,
        door.clock,
        skew_seconds=30,
        max_lifetime_seconds=3600,
    )
    good = both.authenticate(f"Bearer {token()}", {SIGN})
    assert good.client.name == "ehr"
    with pytest.raises(InvalidTokenError):
        both.authenticate(f"Bearer {token(name='stranger')}", {SIGN})


@pytest.mark.requirement("7.120")
@pytest.mark.parametrize("aud", [SIGN, [SIGN], ["https://other.example.org", SIGN], f"{SIGN}/", [1, None, SIGN]])
def test_the_audience_is_the_address_called_as_text_or_list(door: Door, aud: Any) -> None:
    assert door.takes(token(claims(aud=aud)))


@pytest.mark.requirement("7.117", "7.120")
@pytest.mark.parametrize(
    "aud",
    [
        DISCOVERY,
        PUBLIC,
        f"{DISCOVERY}/coverage-order-select",
        f"{SIGN}/feedback",
        SIGN.replace("https", "http"),
        SIGN.upper(),
        f"{SIGN}?x",
        f"{SIGN}//",
        [],
        [[SIGN]],
        {"aud": SIGN},
        "http://127.0.0.1:8000/cds-services/coverage-order-sign",
    ],
)
def test_the_audience_of_another_endpoint_is_refused(door: Door, aud: Any) -> None:
    assert door.refuses(token(claims(aud=aud))) == "aud is not the address that was called"
    assert door.keys.asked == 0


@pytest.mark.requirement("7.120", "7.135")
def test_feedback_goes_by_its_own_address_or_by_that_of_the_service(door: Door) -> None:
    assert door.takes(token(claims(aud=f"{SIGN}/feedback")), f"{SIGN}/feedback")
    assert door.takes(token(claims(aud=SIGN)), f"{SIGN}/feedback")
    for other in (DISCOVERY, f"{DISCOVERY}/coverage-order-select", f"{DISCOVERY}/feedback"):
        assert door.refuses(token(claims(aud=other)), f"{SIGN}/feedback")
    assert door.refuses(token(claims(aud=DISCOVERY)), f"{DISCOVERY}/feedback")


@pytest.mark.requirement("7.117", "7.122")
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"exp": SECONDS - 29}, ""),
        ({"exp": SECONDS - 30}, "exp is past"),
        ({"exp": SECONDS - 29.5}, ""),
        ({"exp": SECONDS - 86400}, "exp is past"),
        ({"iat": SECONDS + 30}, ""),
        ({"iat": SECONDS + 31}, "iat is in the future"),
        ({"iat": SECONDS - 86400}, ""),
        ({"nbf": SECONDS + 30}, ""),
        ({"nbf": SECONDS + 31}, "nbf is in the future"),
        ({"nbf": "soon"}, "nbf is missing or not a number"),
        ({"exp": SECONDS + 3630}, ""),
        ({"exp": SECONDS + 3631}, "exp is more than 3600 seconds ahead"),
    ],
)
def test_clocks_may_differ_by_the_skew_and_no_more(door: Door, said: dict[str, Any], reason: str) -> None:
    if reason:
        assert door.refuses(token(claims(**said))) == reason
    else:
        assert door.takes(token(claims(**said)))


@pytest.mark.requirement("7.121")
def test_a_jku_is_the_registered_one_or_absent(door: Door) -> None:
    assert door.takes(token(jku=JKU))
    assert door.takes(token())
    for other in (f"{JKU}?", JKU.upper(), "https://evil.example.org/jwks.json", "", 7, [JKU], f"{JKU}#"):
        assert door.refuses(token(jku=other)) == "jku is not the registered one"


@pytest.mark.requirement("7.121")
def test_the_jku_of_a_client_with_a_key_file_is_ignored(tmp_path: Any) -> None:
    door = Door(jwks_url="", keys_file=tmp_path / "keys.json")
    assert door.takes(token())
    for jku in (JKU, "", 7):
        assert door.takes(token(jku=jku))


def test_keys_that_a_token_brings_along_are_not_used(door: Door) -> None:
    own = jwk(name="own")
    assert "signature" in door.refuses(token(name="own", jwk=own))
    assert "no key" in door.refuses(token(name="own", kid="own", jwk={**own, "kid": "own"}, x5u=JKU))


@pytest.mark.requirement("7.123")
def test_a_tenant_is_one_of_those_registered() -> None:
    door = Door(tenants=("north", "south"))
    assert door.takes(token(claims(tenant="south")))
    for tenant in ("east", "", None, ["south"], 1):
        assert door.refuses(token(claims(tenant=tenant))) == "tenant is not registered"
    assert Door().takes(token(claims(tenant="east")))


@pytest.mark.requirement("7.122")
def test_a_token_is_good_for_one_call(door: Door) -> None:
    used = token()
    assert door.takes(used)
    assert door.refuses(used) == "jti was used before"
    again = {**claims(), "jti": jwt.decode(used, options={"verify_signature": False})["jti"]}
    assert door.refuses(token(again)) == "jti was used before"


@pytest.mark.requirement("7.122")
def test_a_used_token_is_remembered_until_it_has_expired_for_everyone() -> None:
    door = Door()
    said = claims(exp=SECONDS + 60)
    assert door.takes(token(said))
    door.clock.seconds = 89.9
    assert door.refuses(token(said)) == "jti was used before"
    door.clock.seconds = 90
    assert door.refuses(token(said)) == "exp is past"


@pytest.mark.parametrize("jti", ["x" * 257, "a\nb", "a\x00b", "\ud800", "a\u2028b"])
def test_a_jti_that_no_store_could_keep_is_refused(door: Door, jti: str) -> None:
    assert door.refuses(token(claims(jti=jti))).startswith("jti")


GARBAGE = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer x.y",
    "Bearer x.y.z",
    "Bearer .." + "",
    "Basic dXNlcjpwYXNz",
    "bearer a.b.c d",
    "Bearer a.b.c, Bearer a.b.c",
    "Bearer a.b.c.d.e",
    "Bearer é.é.é",
    "Bearer a\x00.b.c",
    "Bearer " + "A" * 8192,
    "Bearer " + f"{part({'alg': 'ES384'})}.{part([1])}.AAAA",
    "Bearer " + f"{part([1])}.{part(claims())}.AAAA",
    "Bearer " + f"{part(None)}.{part(None)}.AAAA",
    "Bearer " + f"{part({'alg': 'ES384', 'crit': ['x'], 'x': 1})}.{part(claims())}.AAAA",
    "Bearer " + f"{part({'alg': 'ES384', 'b64': False, 'crit': ['b64']})}.{part(claims())}.AAAA",
    "Bearer " + base64.urlsafe_b64encode(b"[" * 3000).decode() + ".AAAA.AAAA",
    "Bearer " + base64.urlsafe_b64encode(b'{"alg":' + b"9" * 5001 + b"}").decode().rstrip("=") + ".e30.AAAA",
    "Bearer " + base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("=") + ".e30.AAAA",
]


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize("authorization", GARBAGE)
def test_garbage_is_refused(door: Door, authorization: str) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        door.authenticator.authenticate(authorization, {SIGN})
    assert refused.value.reason
    assert door.keys.asked == 0


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_is_read_in_any_case(door: Door, scheme: str) -> None:
    assert door.authenticator.authenticate(f"{scheme}{token()}", {SIGN}).client.name == "ehr"


def test_an_rsa_key_that_is_too_short_checks_nothing() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505
    key = {**jwt.algorithms.RSAAlgorithm.to_jwk(short.public_key(), as_dict=True), "kid": "k1"}
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        value = jwt.encode(claims(), short, "RS384", headers={"kid": "k1"})
    assert "no key" in Door(key, jwk(kid="k2")).refuses(value)


def test_of_two_keys_with_one_kid_the_one_that_fits_is_used() -> None:
    door = Door(jwk(name="old"), jwk(), jwk(algorithm="RS384"))
    assert door.takes(token())
    assert door.takes(token(name="old"))
    assert door.takes(token(algorithm="RS384"))


def test_what_is_known_of_a_refused_token_is_told_and_bounded(door: Door) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        door.authenticator.authenticate(f"Bearer {token(claims(iss='x' * 999, jti='j-1', tenant=['t']))}", {SIGN})
    error = refused.value
    assert (error.issuer, error.tenant, error.jti) == ("x" * 256, "", "j-1")
    assert "x" not in str(error).replace("exp", "")


def test_a_principal_names_the_client_for_the_log(door: Door) -> None:
    found = door.authenticator.authenticate(f"Bearer {token(claims(jti='j-1', tenant='t-1'))}", {SIGN})
    assert (found.client.name, found.tenant, found.jti) == ("ehr", "t-1", "j-1")

"""A SMART app for the tests of the sample EHR: it launches over HTTP and keeps what it was told."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from cds_service.sample_ehr.patients import sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.server import SmartApp, SmartServer

BASE = "http://localhost/fhir"
APP_URL = "https://app.example/smart/launch"
CALLBACK = "https://app.example/smart/callback"
PATIENT = "trial-buprenorphine"
OTHER = "sij-posterior"
SECRET = "s p+%c"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPES = "openid fhirUser launch patient/*.rs user/QuestionnaireResponse.cu"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


def query_of(response):
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


class Ehr:
    """A sample EHR with a public app and a confidential one, and a browser that opens it."""

    def __init__(self, **settings):
        self.clock = Clock()
        apps = [SmartApp("public", (CALLBACK,)), SmartApp("confidential", (CALLBACK,), SECRET)]
        self.smart = SmartServer(apps, self.clock, **{"approves_at_once": True, **settings})
        self.app = create_sample_ehr(sample_store(None), token="static", smart=self.smart)
        self.http = self.app.test_client()

    def launch_token(self, patient_id=PATIENT, **launch):
        path = self.smart.launch(patient_id, app_url=APP_URL, **launch)
        return query_of(self.http.get(path))["launch"]

    def request(self, *, patient_id=PATIENT, **changed):
        """Return an authorization request for a launch; a parameter changed to None is left out."""
        asked = {
            "response_type": "code",
            "client_id": "public",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "the-state",
            "aud": BASE,
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        if "launch" not in changed:
            asked["launch"] = self.launch_token(patient_id)
        return {name: value for name, value in (asked | changed).items() if value is not None}

    def authorize(self, **changed):
        return self.http.get("/auth/authorize", query_string=self.request(**changed))

    def code(self, **changed):
        return query_of(self.authorize(**changed))["code"]

    def exchange(self, code, *, auth=None, **changed):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": "public",
            "code_verifier": VERIFIER,
        }
        sent = {name: value for name, value in (form | changed).items() if value is not None}
        return self.http.post("/auth/token", data=sent, auth=auth)

    def bearer(self, **changed):
        """Launch, and return the headers of the access token."""
        token = self.exchange(self.code(**changed)).json["access_token"]
        return {"Authorization": f"Bearer {token}"}

"""Sessions of the questionnaire app: a launch until the user is signed in, then the form with its answers."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from cds_service.clients.authorization_proof import Proof
from cds_service.cookie_sessions import CookieSessions, SealedSessions
from cds_service.fhir_client.kept_chart import Kept
from cds_service.smart.authorization import Endpoints, Grant

LIFETIME = timedelta(hours=1)
"""How long a user may answer."""
LAUNCH_LIFETIME = timedelta(minutes=10)
"""How long a user may take to sign in. Anyone can begin a launch, and each one stores a row."""
_BYTES = 32


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """A launch until the EHR sends the browser back: which EHR, and the secrets of its proof."""

    iss: str
    client: str
    proof: Proof
    endpoints: Endpoints


@dataclass(frozen=True, slots=True)
class FormSession:
    """A user who answers questions about the orders of one patient.

    `orders` are draft orders, each with its `fullUrl`. `order` is the reference of the one that is asked about, and
    `policy` the revision that asks; they are empty until they are chosen in a standalone launch. `chart` is what was
    read of the chart, and `is_begun` whether the first screen was shown. `screens` are the answers by `linkId`, screen
    by screen, and `again` is the `linkId` of the one that the user wants to change.
    `response` and `version` are the id and version of the response in the EHR, empty before it is written, and
    `was_complete` is whether it was completed.
    `form_token` is in every form of the session, so that another site, or a page of an earlier session, can post none.
    """

    iss: str
    client: str
    grant: Grant
    orders: tuple[tuple[str, Any], ...]
    order: str = ""
    policy: str = ""
    chart: Kept = field(default_factory=dict, repr=False)
    is_begun: bool = False
    screens: tuple[Mapping[str, str], ...] = ()
    again: str = ""
    response: str = ""
    version: str = ""
    was_complete: bool = False
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)

    @property
    def answers(self) -> dict[str, str]:
        """Return the newest answer to each question by `linkId`."""
        return {link: value for screen in self.screens for link, value in screen.items()}

    def answered(self, given: Mapping[str, str]) -> "FormSession":
        """Return the session after a screen was answered."""
        return replace(self, screens=(*self._without(given), given), again="")

    def changing(self, link: str) -> "FormSession":
        """Return the session that asks a question again, whose answer is then gone."""
        return replace(self, screens=self._without([link]), again=link)

    def one_screen_back(self) -> "FormSession":
        """Return the session without the answers to the last screen."""
        return replace(self, screens=self.screens[:-1], again="")

    def _without(self, links: Iterable[str]) -> tuple[Mapping[str, str], ...]:
        gone = set(links)
        kept = ({link: value for link, value in screen.items() if link not in gone} for screen in self.screens)
        return tuple(screen for screen in kept if screen)


class Sessions:
    """Opens, keeps, and ends sessions. The cookie of a session is its id and its key."""

    def __init__(self, store: SealedSessions, clock: Callable[[], datetime]) -> None:
        self._sessions = CookieSessions(store, clock, "questionnaire app")

    def begin(self, session: PendingLaunch | FormSession) -> str:
        """Keep a new session, and return its cookie."""
        return self._sessions.begin(
            _as_json(session), LIFETIME if isinstance(session, FormSession) else LAUNCH_LIFETIME
        )

    def find(self, cookie: str) -> PendingLaunch | FormSession | None:
        """Return the session of a cookie; None if it is over, or is none of ours."""
        said = self._sessions.find(cookie)
        return None if said is None else _session_in(said)

    def update(self, cookie: str, session: FormSession) -> bool:
        """Keep a session as it is now; return False if it is over."""
        return self._sessions.update(cookie, _as_json(session))

    def end(self, cookie: str) -> bool:
        """End a session; return whether this call did, and no other one before."""
        return self._sessions.end(cookie)


def _as_json(session: PendingLaunch | FormSession) -> dict[str, Any]:
    said = {"kind": type(session).__name__, **{each.name: getattr(session, each.name) for each in fields(session)}}
    if isinstance(session, FormSession):
        said["grant"] = {**asdict(session.grant), "expires_at": session.grant.expires_at.isoformat()}
    else:
        said |= {"proof": asdict(session.proof), "endpoints": asdict(session.endpoints)}
    return said


def _session_in(said: dict[str, Any]) -> PendingLaunch | FormSession:
    if said.pop("kind") == PendingLaunch.__name__:
        return PendingLaunch(**{**said, "proof": Proof(**said["proof"]), "endpoints": Endpoints(**said["endpoints"])})
    grant = Grant(**{**said["grant"], "expires_at": datetime.fromisoformat(said["grant"]["expires_at"])})
    orders = tuple((url, resource) for url, resource in said["orders"])
    return FormSession(**{**said, "grant": grant, "orders": orders, "screens": tuple(said["screens"])})

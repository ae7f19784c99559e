"""Sessions of the questionnaire app, encrypted with a key that only the browser's cookie has.

The database reveals nothing: it has the ciphertext under a hash of the session's id, and not the key. A cookie reveals
nothing once its session is over.
"""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from cds_service.aes_gcm import decrypt, encrypt
from cds_service.packing import pack, unpack
from cds_service.smart.authorization import Endpoints, Grant, Proof
from cds_service.smart.kept_chart import Kept

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


class SealedSessions(Protocol):
    """Where sealed sessions are kept until a moment, shared by all processes. Raises UnavailableError if it fails."""

    def put(self, name: str, sealed: bytes, until: datetime) -> None:
        """Keep a sealed session under a name that no other one has."""

    def find(self, name: str) -> tuple[bytes, datetime] | None:
        """Return a session that is kept, and until when."""

    def replace(self, name: str, sealed: bytes) -> bool:
        """Replace a session; return False if it is kept no more."""

    def remove(self, name: str) -> bool:
        """Remove a session; return whether this call removed it. Only one of several callers gets True."""


class Sessions:
    """Opens, keeps, and ends sessions. The cookie of a session is its id and its key."""

    def __init__(self, store: SealedSessions, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def begin(self, session: PendingLaunch | FormSession) -> str:
        """Keep a new session, and return its cookie."""
        own_id, key = secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES)
        lifetime = LIFETIME if isinstance(session, FormSession) else LAUNCH_LIFETIME
        self._store.put(_name(own_id), _sealed(session, own_id, key), self._clock() + lifetime)
        return f"{_text(own_id)}.{_text(key)}"

    def find(self, cookie: str) -> PendingLaunch | FormSession | None:
        """Return the session of a cookie; None if it is over, or is none of ours."""
        parts = _parts(cookie)
        found = self._store.find(_name(parts[0])) if parts else None
        if parts is None or found is None or found[1] <= self._clock():
            return None
        return _opened(found[0], *parts)

    def update(self, cookie: str, session: FormSession) -> bool:
        """Keep a session as it is now; return False if it is over."""
        parts = _parts(cookie)
        return parts is not None and self._store.replace(_name(parts[0]), _sealed(session, *parts))

    def end(self, cookie: str) -> bool:
        """End a session; return whether this call did, and no other one before."""
        parts = _parts(cookie)
        return parts is not None and self._store.remove(_name(parts[0]))


def _sealed(session: PendingLaunch | FormSession, own_id: bytes, key: bytes) -> bytes:
    """Return the session encrypted, and bound to its id."""
    said = {"kind": type(session).__name__, **{each.name: getattr(session, each.name) for each in fields(session)}}
    if isinstance(session, FormSession):
        said["grant"] = {**asdict(session.grant), "expires_at": session.grant.expires_at.isoformat()}
    else:
        said |= {"proof": asdict(session.proof), "endpoints": asdict(session.endpoints)}
    return encrypt(key, pack(said, 1), own_id)


def _opened(sealed: bytes, own_id: bytes, key: bytes) -> PendingLaunch | FormSession | None:
    packed = decrypt(key, sealed, own_id)
    if packed is None:
        return None
    said = unpack(packed)
    if said.pop("kind") == PendingLaunch.__name__:
        return PendingLaunch(**{**said, "proof": Proof(**said["proof"]), "endpoints": Endpoints(**said["endpoints"])})
    grant = Grant(**{**said["grant"], "expires_at": datetime.fromisoformat(said["grant"]["expires_at"])})
    orders = tuple((url, resource) for url, resource in said["orders"])
    return FormSession(**{**said, "grant": grant, "orders": orders, "screens": tuple(said["screens"])})


def _name(own_id: bytes) -> str:
    return hashlib.sha256(own_id).hexdigest()


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _parts(cookie: str) -> tuple[bytes, bytes] | None:
    """Return the id and the key in a cookie; None for anything else."""
    texts = cookie.split(".") if cookie.isascii() else []
    try:
        parts = [urlsafe_b64decode(f"{text}=") for text in texts]
    except ValueError:
        return None
    return (parts[0], parts[1]) if [len(part) for part in parts] == [_BYTES, _BYTES] else None

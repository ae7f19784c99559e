"""What the pages for operators need, attached to the Flask application: who may open them, and what they show."""

from dataclasses import dataclass
from datetime import date

from flask import Flask, current_app

from fhir_mappings.fhir_json import Resource

_EXTENSION = "cds_service.site"


@dataclass(frozen=True, slots=True)
class SamplePatient:
    """A patient that the sandbox offers: the id, one sentence about what the chart shows, and draft orders to try.

    `topic` is what the orders are about, such as `Home oxygen`.
    """

    id: str
    shows: str
    orders: tuple[Resource, ...]
    topic: str = ""


@dataclass(frozen=True, slots=True)
class SampleServer:
    """The FHIR server with the sample patients, the token for it, and the day on which their orders are written."""

    address: str
    token: str
    today: date
    patients: tuple[SamplePatient, ...]

    def patient(self, patient_id: str) -> SamplePatient | None:
        """Return the sample patient with an id."""
        return next((each for each in self.patients if each.id == patient_id), None)


@dataclass(frozen=True, slots=True)
class Site:
    """The pages for operators.

    `samples` is the sample EHR, None if none is running. `has_style_guide` adds the page with all components, for those
    who work on the pages.
    """

    samples: SampleServer | None = None
    has_style_guide: bool = False


def attach_site(app: Flask, site: Site) -> None:
    """Make the site available to the pages of an application."""
    app.extensions[_EXTENSION] = site


def site() -> Site | None:
    """Return the site of the current application; None if it serves only the policies and the questionnaire app."""
    found: Site | None = current_app.extensions.get(_EXTENSION)
    return found

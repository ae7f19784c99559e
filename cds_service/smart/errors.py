"""Why a launch or a session ends early, in words for the person in front of the page."""

from http import HTTPStatus


class LaunchError(Exception):
    """A launch or a session that cannot go on: `says` what happened, `to_do` what helps. Neither holds patient data."""

    def __init__(self, status: HTTPStatus, title: str, says: str, to_do: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.says = says
        self.to_do = to_do


def ended() -> LaunchError:
    """Return the error for a session that is over, or never was."""
    return LaunchError(
        HTTPStatus.FORBIDDEN,
        "This session has ended",
        "There is no open session for this page. A session ends after an hour, when you finish, or when you close the "
        "browser.",
        "Open the form again from the card in the EHR. Answers that you saved are still there. If this page comes "
        "again, let the EHR open the form in a window of its own.",
    )


def not_trusted(why: str) -> LaunchError:
    """Return the error for a launch that is not what this service started."""
    return LaunchError(
        HTTPStatus.FORBIDDEN, "This launch cannot be used", why, "Open the form again from the card in the EHR."
    )


def ehr_failed(what: str) -> LaunchError:
    """Return the error for an EHR that does not answer as SMART App Launch asks it to."""
    return LaunchError(
        HTTPStatus.BAD_GATEWAY,
        "The EHR did not answer as expected",
        what,
        "Try again from the card in the EHR. If it happens again, tell your IT support what this page says.",
    )

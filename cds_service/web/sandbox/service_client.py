"""Send the calls of the sandbox to the service itself, through its whole WSGI application, authentication included."""

from contextvars import Context

from flask import current_app
from werkzeug.test import Client, TestResponse

from cds_service.http.services import services
from cds_service.http.watching import WATCHER, Watcher


def post(path: str, body: bytes, watcher: Watcher) -> TestResponse:
    """Post JSON to a path of the service; the watcher sees what is found for it.

    The call runs in a context of its own: Flask would share `g` with the request of the page, and the log its call id.
    """
    return Context().run(
        Client(current_app.wsgi_app).post,
        path,
        base_url=services().settings.public_url,
        data=body,
        content_type="application/json",
        environ_overrides={WATCHER: watcher},
    )

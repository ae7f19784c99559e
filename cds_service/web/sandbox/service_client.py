"""Send the calls of the sandbox to the service itself, through its whole WSGI application, authentication included."""

from contextvars import Context

from flask import current_app
from werkzeug.test import Client, TestResponse

from cds_service.http.authentication import TEST_CALL
from cds_service.http.services import services
from cds_service.http.watching import WATCHER, Watcher
from cds_service.web.site import operator_site


def post(path: str, body: bytes, watcher: Watcher = lambda _: None) -> TestResponse:
    """Post JSON to a path of the service as its test client, with a token where clients need one.

    The watcher sees what is found for it. Reports and metrics leave the call out. It runs in a context of its own:
    Flask would share `g` with the request of the page, and the log its call id. Raise RuntimeError without pages for
    operators.
    """
    found = operator_site()
    address = services().settings.public_url.rstrip("/")
    return Context().run(
        Client(current_app.wsgi_app).post,
        path,
        base_url=address,
        data=body,
        content_type="application/json",
        headers={"Authorization": found.key.authorization(f"{address}{path}")} if found.key else {},
        environ_overrides={TEST_CALL: found.client, WATCHER: watcher},
    )

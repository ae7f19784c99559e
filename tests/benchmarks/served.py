"""What the server processes of the benchmarks run: `python -m tests.benchmarks.served NAME PORT`.

`service` is `cds-service serve` with a fixed clock. The others run on the same web server with the same settings:
`unrecorded` is the service without records, `floor` the least that any answer to the call must do, that is to parse the
body with Flask's own JSON and to serialize it again, and `orjson-floor` the same with orjson.
"""

import sys
from collections.abc import Callable

from flask import Flask, Response, jsonify, request

from cds_service.settings import Settings
from tests.benchmarks.calls import PATH, clock


def service(port: int) -> None:
    """Run the command; its modules look up the clock when they are imported, which is later."""
    from cds_service.wiring import system

    system.now = clock
    from cds_service.cli.main import main

    main(["serve", "--port", str(port), "--allow-unauthenticated"])


def unrecorded(port: int) -> None:
    """Serve what answers the calls of `service`, without records."""
    from cds_service.observability.logging import service_log
    from cds_service.wiring.warm_up import warm_up
    from coverage_policies.format.library import load_library
    from tests.benchmarks.in_process import app_of

    library = load_library()
    warm_up(library)
    _serve(lambda: app_of(library, Settings(), log=service_log(sys.stderr, clock)), port)


def pages(port: int) -> None:
    """Serve the service with its pages, as `cds-service serve --dev` does but under gunicorn."""
    from cds_service.cli.sample_app import sample_app, sample_server
    from cds_service.fhir_client.address_guard import LOOPBACK
    from cds_service.hooks.turns import Turns
    from cds_service.observability.logging import service_log
    from cds_service.records.policy_snapshot import PolicySnapshot
    from cds_service.records.stored import StoredRecords
    from cds_service.sample_ehr.patients import STORY_DATE, sample_store
    from cds_service.sample_ehr.server import create_sample_ehr
    from cds_service.web.site import Site
    from cds_service.wiring.loading import load_assessor
    from cds_service.wiring.records import open_key, prepare, prepared_database, records_in
    from cds_service.wiring.serving import on_loopback
    from cds_service.wiring.warm_up import warm_up
    from tests.benchmarks.in_process import app_of
    from tests.benchmarks.processes import free_port

    settings = Settings(public_url=f"http://127.0.0.1:{port}", fhir_private_networks=(LOOPBACK,))
    assessor = load_assessor(settings)
    warm_up(assessor.library)
    prepare(settings)
    ehr_port = free_port()
    app = sample_app(settings, ehr_port)
    samples = sample_server(ehr_port, "benchmark", STORY_DATE, app.smart)

    def made() -> Flask:
        turns = Turns()
        database, key = prepared_database(settings, turns), open_key(settings)
        snapshot = PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
        return app_of(
            assessor.library,
            settings,
            log=service_log(sys.stderr, clock),
            records=records_in(database, key, settings, snapshot, clock),
            pseudonym=key,
            turns=turns,
            site=Site(samples, records=StoredRecords(database, key, None)),
        )

    with on_loopback(create_sample_ehr(sample_store(STORY_DATE), token="benchmark", smart=app.smart), ehr_port):
        _serve(made, port, settings)


def floor(port: int) -> None:
    """Serve the floor."""
    _serve(lambda: _answering(lambda: jsonify(request.get_json())), port)


def orjson_floor(port: int) -> None:
    """Serve the floor with orjson."""
    import orjson  # type: ignore[import-not-found]

    def answer() -> Response:
        return Response(orjson.dumps(orjson.loads(request.get_data())), mimetype="application/json")

    _serve(lambda: _answering(answer), port)


def _answering(answer: Callable[[], Response]) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.post(PATH)(answer)
    return app


def _serve(make_app: Callable[[], Flask], port: int, settings: Settings | None = None) -> None:
    from cds_service.wiring.serving import serve

    serve(make_app, lambda: None, settings or Settings(), host="127.0.0.1", port=port)


PROGRAMS = {
    "service": service,
    "unrecorded": unrecorded,
    "floor": floor,
    "orjson-floor": orjson_floor,
    "pages": pages,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](int(sys.argv[2]))

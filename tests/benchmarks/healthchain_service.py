"""Two CDS Hooks services of HealthChain, for `uvicorn healthchain_service:app`, written as its documentation shows.

`/plain` counts the resources of a call as they came; `/models` first makes HealthChain's FHIR models of them, as its
pipelines do. Both run in an environment of their own, without this project.
"""

from collections.abc import Callable, Mapping
from typing import Any

from healthchain.fhir import convert_prefetch_to_fhir_objects, fhir_version_context  # type: ignore[import-not-found]
from healthchain.gateway import CDSHooksService, HealthChainAPI  # type: ignore[import-not-found]
from healthchain.gateway.cds import CDSHooksConfig  # type: ignore[import-not-found]
from healthchain.models.requests.cdsrequest import CDSRequest  # type: ignore[import-not-found]
from healthchain.models.responses.cdsresponse import Card, CDSResponse, Source  # type: ignore[import-not-found]

Count = Callable[[Mapping[str, Any]], int]


def _plain(prefetch: Mapping[str, Any]) -> int:
    return sum(len(each.get("entry", [each])) for each in prefetch.values() if each)


def _models(prefetch: Mapping[str, Any]) -> int:
    with fhir_version_context("R4B"):
        found = convert_prefetch_to_fhir_objects({key: value for key, value in prefetch.items() if value})
    return sum(len(getattr(each, "entry", [each]) or ()) for each in found.values())


def _service(path: str, count: Count) -> CDSHooksService:
    service = CDSHooksService(config=CDSHooksConfig(base_path=path))

    @service.hook("order-sign", id="count")  # type: ignore[untyped-decorator]
    def answer(request: CDSRequest) -> CDSResponse:
        card = Card(
            summary=f"{count(request.prefetch or {})} resources", indicator="info", source=Source(label="Counting")
        )
        return CDSResponse(cards=[card])

    return service


app = HealthChainAPI(title="Counting")
app.register_service(_service("/plain", _plain), path="/plain")
app.register_service(_service("/models", _models), path="/models")

"""A FHIR server that answers each query after a fixed time: `python -m tests.benchmarks.stub_fhir PORT MILLISECONDS`.

It has the chart of the calls, and answers `/queries` with how many queries it has had. It costs little: an answer is
made once, and while it waits it does nothing.
"""

import asyncio
import sys
from functools import cache, lru_cache
from urllib.parse import parse_qsl, urlsplit

from cds_service.fhir_client.memory import Store
from cds_service.fhir_client.search_parameters import SearchError
from cds_service.sample_ehr.patients import sample_store
from fhir_mappings.fhir_json import Json, dumps

BASE = "/fhir"
QUERIES = "/queries"


@cache
def _store() -> Store:
    return sample_store(None)


@lru_cache(maxsize=1000)
def answer(target: str) -> bytes:
    """The answer to a read or search, head and body."""
    url = urlsplit(target)
    kind, _, id_ = url.path.removeprefix(f"{BASE}/").partition("/")
    try:
        found: Json = _store().read(kind, id_) if id_ else _searchset(kind, url.query)
    except SearchError as error:
        issue = {"severity": "error", "code": "invalid", "diagnostics": str(error)}
        return _http(400, {"resourceType": "OperationOutcome", "issue": [issue]})
    return _http(200 if found is not None else 404, found or {"resourceType": "OperationOutcome"})


def _searchset(kind: str, query: str) -> Json:
    hits = _store().search(kind, parse_qsl(query))
    entries = [{"fullUrl": url, "resource": resource, "search": {"mode": "match"}} for url, resource in hits]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def _http(status: int, value: Json) -> bytes:
    body = dumps(value).encode()
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Stub:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._queries = 0

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", port, backlog=256)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ", 2)[1].decode()
                if target == QUERIES:
                    writer.write(_http(200, self._queries))
                else:
                    self._queries += 1
                    await asyncio.sleep(self._seconds)
                    writer.write(answer(target))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


if __name__ == "__main__":
    asyncio.run(_Stub(int(sys.argv[2]) / 1000).serve(int(sys.argv[1])))

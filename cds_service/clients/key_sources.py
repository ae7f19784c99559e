"""Fetch the keys of a client from its registered JWKS URL or its keys file, and from nowhere else."""

import time
from collections.abc import Callable

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from cds_service.clients.keys import KeysError, KeySet, read_jwk_set, read_keys
from cds_service.clients.registry import Client

_MOST_BYTES = 256 * 1024
_CHUNK_BYTES = 16_384


def keys_of(client: Client, timeout: float = 2.0, monotonic: Callable[[], float] = time.monotonic) -> KeySet:
    """Fetch the keys of a client within `timeout` seconds. Raises KeysError with the reason if that fails."""
    if client.keys_file is None:
        return _fetched(client.jwks_url, timeout, monotonic)
    try:
        with client.keys_file.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeysError(f"the file cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise KeysError(f"the file is larger than {_MOST_BYTES} bytes")
    return read_keys(data)


def _fetched(url: str, timeout: float, monotonic: Callable[[], float]) -> KeySet:
    """Send one GET, without redirects and without proxies or credentials of the environment; limit time and size."""
    until = monotonic() + timeout
    asked = requests.Request("GET", url, headers={"Accept": "application/jwk-set+json, application/json"}).prepare()
    adapter = HTTPAdapter(max_retries=0)
    try:
        # Use the adapter alone: a session reads a redirect's body without limits and uses the environment.
        with adapter.send(asked, stream=True, timeout=timeout, verify=True) as response:
            if response.status_code != requests.codes.ok:
                raise KeysError(f"the key server answered {response.status_code}")
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise KeysError(f"the key server sent more than {_MOST_BYTES} bytes")
                if monotonic() > until:
                    raise KeysError(f"the key server did not send everything within {timeout:g} seconds")
    except (requests.Timeout, TimeoutError):
        raise KeysError(f"the key server did not answer within {timeout:g} seconds") from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise KeysError(f"the key server could not be reached ({type(error).__name__})") from None
    finally:
        adapter.close()
    return read_jwk_set(bytes(body))

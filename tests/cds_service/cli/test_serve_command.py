"""`cds-service serve`: addresses it cannot listen on are refused before anything starts."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def serve(*options: str) -> Result:
    return CliRunner().invoke(main, ["serve", "--allow-unauthenticated", *options])


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1"])
def test_a_port_out_of_range_is_a_usage_error(port: str) -> None:
    result = serve("--port", port)
    assert (result.exit_code, "is not in the range 1<=x<=65535" in result.output) == (2, True)


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", str(port))
    assert result.exit_code == 1
    assert result.output == f"Error: Port {port} is in use. Choose another one with --port.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_refused() -> None:
    result = serve("--host", "192.0.2.1")
    assert (result.exit_code, "192.0.2.1 is not an address of this machine" in result.output) == (1, True)


def test_a_host_that_has_no_address_is_refused() -> None:
    result = serve("--host", "no host")
    assert (result.exit_code, "no host is not the name or address of a host" in result.output) == (1, True)

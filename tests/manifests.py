"""Write what the files of `docker/` repeat: the settings, and the alert rules as a resource of Kubernetes.

Run `make manifests` after a change of `Settings` or of docker/monitoring/alerts.yaml; a test tells when it is due.
"""

import json
import textwrap
from pathlib import Path
from typing import get_args

import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cds_service.settings import PREFIX, Settings

DOCKER = Path(__file__).parent.parent / "docker"
KUBERNETES = DOCKER / "kubernetes"
ALERTS = DOCKER / "monitoring" / "alerts.yaml"

_WIDTH = 118
_ASSIGNED = "{}={}"
_QUOTED = '{}: "{}"'
_IMAGE_DECIDES = ("data_folder",)
_COMPOSE_DECIDES = (*_IMAGE_DECIDES, "clients", "database_url", "metrics")
_NO_KEY = "replaceThis"
"""Too short, so that nothing starts with a key that everybody knows."""
_COMPOSE_STARTS_WITH = {
    "public_url": "https://cds.example.org",
    "pseudonym_key": _NO_KEY,
}
_CONFIG_MAP_STARTS_WITH = {
    "public_url": "https://cds.example.org",
    "clients": "/etc/cds/clients.yaml",
    "metrics": "yes",
}
_SECRET_STARTS_WITH = {
    "database_url": "postgresql://cds:replaceThisPassword@postgres.example.org/cds",
    "pseudonym_key": _NO_KEY,
}

_COMPOSE_VARIABLES = """\
# Written by `make manifests`. Copy it to docker/.env and replace every value that is set; for a setting that has a
# number sign in front, take it away. docs/settings.md says the same in a table.
COMPOSE_PROJECT_NAME=cds-coverage-policies
# The password stands in a URL: letters and digits only.
POSTGRES_PASSWORD=replaceThisPassword
# A folder with clients.yaml in it, readable by user 10001 (docs/clients.md).
CLIENTS_FOLDER=./clients
# A folder with the certificate of the proxy and its key, tls.crt and tls.key, readable by user 101.
TLS_FOLDER=./tls
# The images that you tested, each with its digest (postgres:17@sha256:...); BASE_DIGEST is that of python:3.11-slim.
POSTGRES_IMAGE=postgres:17
NGINX_IMAGE=nginx:1.28
BASE_DIGEST=
"""


def files() -> dict[Path, str]:
    """Return the text of each file that is written here."""
    return {
        DOCKER / "example.env": _example_env(),
        KUBERNETES / "settings.yaml": _config_map(),
        KUBERNETES / "secrets.yaml": _secret(),
        KUBERNETES / "alerts.yaml": _alerts(),
    }


def secret_settings() -> tuple[str, ...]:
    """Return the names of the settings that hold a secret."""
    return tuple(name for name, field in Settings.model_fields.items() if _is_secret(field))


def _is_secret(field: FieldInfo) -> bool:
    kinds = [field.annotation]
    while kinds:
        kind = kinds.pop()
        if kind is SecretStr:
            return True
        kinds += get_args(kind)
    return False


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _described(names: list[str], starts_with: dict[str, str], line: str, indent: str = "") -> str:
    """Return a line per setting under its meaning; one that nothing is set for is a comment with its default."""
    found = []
    for name in names:
        meaning = textwrap.wrap(str(Settings.model_fields[name].description), _WIDTH - len(indent))
        found += [f"{indent}# {each}" for each in meaning]
        is_set = name in starts_with
        value = line.format(f"{PREFIX}{name.upper()}", starts_with.get(name, _default(name)))
        found.append(f"{indent}{value}" if is_set else f"{indent}#{value}")
    return "\n".join(found) + "\n"


def _example_env() -> str:
    names = [name for name in Settings.model_fields if name not in _COMPOSE_DECIDES]
    return f"{_COMPOSE_VARIABLES}\n{_described(names, _COMPOSE_STARTS_WITH, _ASSIGNED)}"


def _config_map() -> str:
    left_out = (*secret_settings(), *_IMAGE_DECIDES)
    names = [name for name in Settings.model_fields if name not in left_out]
    return (
        "# Written by `make manifests`: every setting that is no secret. Change values here or in an overlay.\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cds-settings\ndata:\n"
        f"{_described(names, _CONFIG_MAP_STARTS_WITH, _QUOTED, '  ')}"
    )


def _secret() -> str:
    return (
        "# Written by `make manifests`: an example of the settings that are secrets. Replace it by one that your\n"
        "# secret store makes (External Secrets, Sealed Secrets, or the like); never commit one with real values.\n"
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: cds-secrets\ntype: Opaque\nstringData:\n"
        f"{_described(list(secret_settings()), _SECRET_STARTS_WITH, _QUOTED, '  ')}"
    )


def _alerts() -> str:
    """Return the alert rules as the Prometheus Operator takes them."""
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "cds-service"},
        "spec": json.loads(json.dumps(rules)),
    }
    written = yaml.safe_dump(resource, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return f"# Written by `make manifests` from docker/monitoring/alerts.yaml.\n{written}"


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

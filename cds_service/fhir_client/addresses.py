"""What an address must be before the service calls it, or sends a browser there."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def usable_address(value: object) -> str:
    """Return an http or https address without user and fragment; empty for anything else."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isascii() and value.isprintable() else None
        is_usable = parts is not None and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return str(value) if is_usable and not set("@#\\ ") & set(str(value)) else ""


def is_protected(address: str) -> bool:
    """Return whether what is sent to a usable address stays between two machines: by https, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or its address."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

"""Settings: from the environment, checked at start."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from cds_service.settings import Settings


def test_the_defaults_need_no_environment() -> None:
    settings = Settings()
    assert settings.time_zone == ZoneInfo("America/New_York")
    assert (settings.call_timeout_seconds, settings.max_body_bytes, settings.answers_valid_days) == (
        4.0,
        10_000_000,
        90,
    )
    assert (settings.cors_origins, settings.policy_folders) == (("*",), ())


def test_every_setting_is_described() -> None:
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_TIME_ZONE", "Europe/Berlin")
    monkeypatch.setenv("CDS_CORS_ORIGINS", "https://a.example.org, http://localhost:3000")
    monkeypatch.setenv("CDS_POLICY_FOLDERS", "/a,/b c")
    monkeypatch.setenv("CDS_WORKERS", "")
    settings = Settings()
    assert settings.time_zone == ZoneInfo("Europe/Berlin")
    assert settings.cors_origins == ("https://a.example.org", "http://localhost:3000")
    assert settings.policy_folders == (Path("/a"), Path("/b c"))
    assert settings.workers == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CDS_TIME_ZONE", "Mars/Olympus"),
        ("CDS_PUBLIC_URL", "cds.example.org"),
        ("CDS_CALL_TIMEOUT_SECONDS", "0"),
        ("CDS_CORS_ORIGINS", "https://*.example.org"),
        ("CDS_CORS_ORIGINS", "https://example.org/path"),
        ("CDS_THREADS", "many"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()

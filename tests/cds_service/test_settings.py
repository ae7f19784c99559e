"""Settings: from the environment, checked at start."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from cds_service.cli.main import main
from cds_service.settings import Settings, unknown_settings


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


def test_a_pseudonym_key_of_32_characters_is_long_enough() -> None:
    assert Settings(pseudonym_key="k" * 32).pseudonym_key is not None


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
        ("CDS_PSEUDONYM_KEY", "k" * 31),
        ("CDS_ENCRYPTION_KEYS", "0" * 63),
        ("CDS_ENCRYPTION_KEYS", "0" * 65),
        ("CDS_ENCRYPTION_KEYS", "g" * 64),
        ("CDS_ENCRYPTION_KEYS", f"{'0' * 64},short"),
        ("CDS_EXCHANGE_DAYS", "0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def _policies_list(**environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["policies", "list"], env=environment)
    return result.exit_code, result.stderr


def test_encryption_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", f"{'0' * 64}, {'Ab' * 32}")
    assert [key.get_secret_value() for key in Settings().encryption_keys] == ["0" * 64, "Ab" * 32]
    assert "Ab" not in repr(Settings())


def test_an_encryption_key_that_cannot_be_used_is_not_quoted_and_the_error_says_how_to_make_one() -> None:
    code, said = _policies_list(CDS_ENCRYPTION_KEYS="no-digits")
    assert (code, "no-digits" in said) == (1, False)
    assert "CDS_ENCRYPTION_KEYS: write each key as 64 hexadecimal digits; `openssl rand -hex 32` makes one" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CDS_CALLERS", "CDS_CLIENTS"),
        ("CDS_ALLOW_ANYONE", "CDS_ALLOW_UNAUTHENTICATED"),
        ("CDS_FHIR_REST_SECONDS", "CDS_FHIR_CIRCUIT_OPEN_SECONDS"),
        ("CDS_FHIR_FAILURES", "CDS_FHIR_CIRCUIT_FAILURES"),
        ("CDS_HOLD_BACK_DAYS", "CDS_SUPPRESS_OVERRIDDEN_DAYS"),
        ("CDS_BUDGET_SECONDS", "CDS_CALL_TIMEOUT_SECONDS"),
        ("CDS_RECORDS_KEY", "CDS_PSEUDONYM_KEY"),
        ("CDS_ANSWER_UNRECORDED", "CDS_ANSWER_IF_STORE_FAILS"),
        ("CDS_KEEP_COMMENTS", "CDS_STORE_COMMENTS"),
        ("cds_callers", "CDS_CLIENTS"),
    ],
)
def test_the_old_name_of_a_setting_stops_the_start_and_names_the_new_one(old: str, new: str) -> None:
    code, errors = _policies_list(**{old: "secret-value"})
    assert (code, f"{old} is now {new}" in errors, "secret-value" in errors) == (1, True, False)


def test_an_unknown_setting_is_a_warning_that_suggests_the_closest_one() -> None:
    code, errors = _policies_list(CDS_CLEINTS="secret-value")
    assert (code, errors) == (0, "Warning: CDS_CLEINTS is not a setting; did you mean CDS_CLIENTS?\n")


def test_an_unknown_setting_like_no_other_is_a_warning_that_names_the_list() -> None:
    code, errors = _policies_list(CDS_LOG_LEVEL="debug")
    assert (code, errors) == (0, "Warning: CDS_LOG_LEVEL is not a setting; docs/settings.md lists the settings.\n")


def test_neither_settings_nor_the_variables_of_the_tests_nor_empty_ones_are_unknown() -> None:
    known = {f"CDS_{name.upper()}": "x" for name in Settings.model_fields}
    others = {"CDS_TEST_PROFILE": "endure", "CDS_EXTRA_CHARTS": "x"}
    others |= {
        f"CDS_TESTS_NEED_{program}": "yes" for program in ("CHROMIUM", "FAKETIME", "NGINX", "NODE", "POSTGRESQL")
    }
    assert unknown_settings(known | others | {"CDS_EMPTY": "", "PATH": "/bin", "cds_workers": "3"}) == {}


def test_an_empty_old_name_counts_as_unset() -> None:
    assert _policies_list(CDS_CALLERS="") == (0, "")


def test_invalid_settings_stop_the_start_with_one_line_each() -> None:
    code, errors = _policies_list(CDS_THREADS="0", CDS_CORS_ORIGINS="https://example.org/path")
    assert (code, errors) == (
        1,
        "Error: These settings have invalid values:\n"
        "  CDS_CORS_ORIGINS: write each origin as * or scheme://host[:port], without a path\n"
        "  CDS_THREADS: Input should be greater than or equal to 1\n",
    )

"""The tutorial for policy writers, step by step: every file and every command exactly as printed."""

from importlib import resources
from pathlib import Path

import pytest

from tests.support.printed_steps import DOCS, run, steps

pytestmark = [pytest.mark.process, pytest.mark.slow]

TUTORIAL = (DOCS / "write-a-policy.md").read_text(encoding="utf-8")
POLICY_OF_THE_DEMO = resources.files("cds_service.sample_ehr") / "sandbox_policies"


def test_the_steps_work_as_printed(tmp_path: Path) -> None:
    run(TUTORIAL, tmp_path)


def test_the_demo_installs_the_policy_of_the_tutorial() -> None:
    written = {
        file.removeprefix("my-policies/"): body for file, body, _ in steps(TUTORIAL) if file.startswith("my-policies/")
    }
    assert {file: POLICY_OF_THE_DEMO.joinpath(file).read_text(encoding="utf-8") for file in written} == written

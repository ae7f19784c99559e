"""The page on step therapy: every file and every command exactly as printed."""

from pathlib import Path

import pytest

from tests.support.printed_steps import DOCS, run

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_the_steps_work_as_printed(tmp_path: Path) -> None:
    run((DOCS / "step-therapy.md").read_text(encoding="utf-8"), tmp_path)

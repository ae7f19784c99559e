"""Put the git commit into wheels and source distributions, for `cds-service --version`."""

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_VERSION = runpy.run_path(str(Path(__file__).parent / "cds_service" / "cli" / "version.py"))


class CommitHook(BuildHookInterface):
    """Adds the file that `cds_service/cli/version.py` reads. Without a commit, and for editable installs, nothing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the commit beside the build and name it as a file to include."""
        name = _VERSION["COMMIT_FILE"]
        commit = _VERSION["built_commit"](Path(self.root) / "cds_service")
        if commit and version != "editable" and not (Path(self.root) / "cds_service" / name).exists():
            written = Path(tempfile.mkdtemp()) / name
            written.write_text(f"{commit}\n", encoding="utf-8")
            build_data["force_include"][str(written)] = f"cds_service/{name}"

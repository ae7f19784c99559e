"""Start a PostgreSQL server for tests, with a temporary data directory, a free port, and fsync on as in production.

`docs/decisions.md` says why pytest-postgresql does not serve here.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

NEEDED = os.environ.get("CDS_TESTS_NEED_POSTGRESQL", "")
"""If set, as in CI, tests that need PostgreSQL fail instead of being skipped."""


class UnavailableClusterError(Exception):
    """PostgreSQL cannot run here; the message says why."""


class Cluster:
    """A PostgreSQL server of this machine's installation, run as the user `postgres` if the tests run as root."""

    def __init__(self) -> None:
        found = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ["PATH"].split(":"))]
        folders = [folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
        if not folders:
            raise UnavailableClusterError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        self.programs = folders[0]
        self._as_user: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if os.geteuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise UnavailableClusterError("PostgreSQL does not run as root and there is no user postgres") from None
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
            if runuser is None:
                raise UnavailableClusterError("PostgreSQL does not run as root and there is no runuser")
            self._as_user = [runuser, "-u", "postgres", "--"]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "-t", "60", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` simulates a crash: it writes nothing more to disk."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "-t", "60", "stop")

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def emptied(self) -> str:
        """Empty the database, close all connections to it, and return its URL."""
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url

    def set(self, name: str, value: str) -> None:
        """Change a setting of the server, for open connections too."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self.programs / program), *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

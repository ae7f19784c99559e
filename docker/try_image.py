"""Run the steps of the Dockerfile one by one in a Debian without Docker, and start what they made.

For machines without a container engine (Linux, as root). Make the base first; Debian's Python stands in for the one of
the image `python:3.11-slim`:

    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm /tmp/base
    python3 docker/try_image.py /tmp/base /tmp/tried

`--share PATH` shows a folder of this machine to the steps, such as one with certificates or packages. The steps use the
network as this machine does. It ends with what did not work, or with the answer of the health check.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

DOCKER = Path(__file__).parent
ROOT = DOCKER.parent
INSTRUCTION = re.compile(r"^([A-Z]+) (.*)$", re.DOTALL)
_PORT = "8000"
PIP_OF_DEBIAN = {"PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_ROOT_USER_ACTION": "ignore"}
"""The pip of the base image installs beside the system; that of Debian has to be asked to."""


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, without comments and line breaks."""
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [(found[1], found[2]) for line in joined.splitlines() if (found := INSTRUCTION.match(line.strip()))]


class Stage:
    """A stage of the build: a folder in the place of a root file system, and what the instructions set."""

    def __init__(self, folder: Path, shared: list[Path]) -> None:
        self.folder = folder
        self.workdir = "/"
        self.user = ""
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **PIP_OF_DEBIAN}
        self.environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        self._shared = shared

    def command(self, words: list[str], *, read_only: bool = False) -> list[str]:
        """Return the command that runs words in the stage, in a mount namespace of its own."""
        mounts = [f"mount --rbind {shlex.quote(str(self.folder))} {shlex.quote(str(self.folder))}"]
        for path in self._shared:
            inside = self.folder / path.relative_to("/")
            inside.mkdir(parents=True, exist_ok=True)
            mounts.append(f"mount --bind {shlex.quote(str(path))} {shlex.quote(str(inside))}")
            mounts.append(f"mount -o remount,ro,bind {shlex.quote(str(inside))}")
        mounts.append(f"mount --bind /dev {shlex.quote(str(self.folder / 'dev'))}")
        if read_only:
            mounts.append(f"mount -o remount,ro,bind {shlex.quote(str(self.folder))}")
            mounts += [f"mount -t tmpfs none {shlex.quote(str(self.folder / name))}" for name in ("tmp", "var/lib/cds")]
            mounts.append(f"chown {self.user} {shlex.quote(str(self.folder / 'var/lib/cds'))}")
        user = f"--userspec={self.user}:{self.user} " if self.user else ""
        inner = f"cd {self.workdir} && exec {shlex.join(words)}"
        chroot = f"exec chroot {user}{shlex.quote(str(self.folder))} /bin/sh -c {shlex.quote(inner)}"
        return ["unshare", "--mount", "/bin/sh", "-ec", "\n".join([*mounts, chroot])]

    def run(self, words: list[str]) -> None:
        """Run words in the stage. Raise CalledProcessError."""
        subprocess.run(self.command(words), env=self.environment, check=True)  # noqa: S603


def copied(source: str) -> list[Path]:
    """Return what `COPY` takes of the repository: everything that Dockerfile.dockerignore lets through."""
    if source != ".":
        return [ROOT / source]
    kept = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    return [ROOT / line.removeprefix("!") for line in kept if line.startswith("!")]


def copy(paths: list[Path], into: Path) -> None:
    """Copy files and folders into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, into / path.name, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(path, into)


def build(base: Path, folder: Path, shared: list[Path]) -> tuple[Stage, list[str], list[str]]:
    """Run the steps; return the last stage, its command, and its health check."""
    stages: dict[str, Stage] = {}
    stage = Stage(base, shared)
    start: list[str] = []
    check: list[str] = []
    for name, value in instructions():
        print(name, value, flush=True)
        if name == "FROM":
            title = value.partition(" AS ")[2] or "last"
            folder.mkdir(exist_ok=bool(stages))
            stage = stages[title] = Stage(folder / title, shared)
            # Without what is mounted there; the standard library would read devices.
            subprocess.run(["cp", "--archive", "--one-file-system", base, stage.folder], check=True)  # noqa: S603, S607
            (stage.folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        elif name == "WORKDIR":
            stage.workdir = value
            (stage.folder / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "COPY" and value.startswith("--from="):
            title, source, target = value.removeprefix("--from=").split()
            source_folder = stages[title].folder / source.lstrip("/")
            shutil.copytree(source_folder, stage.folder / target.lstrip("/"), symlinks=True)
        elif name == "COPY":
            source, target = value.split()
            copy(copied(source), stage.folder / stage.workdir.lstrip("/") / target)
        elif name == "RUN":
            stage.run(["/bin/sh", "-ec", value])
        elif name == "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(value))
            stage.environment |= {key: text.replace("$PATH", stage.environment["PATH"]) for key, text in pairs.items()}
        elif name == "USER":
            stage.user = value
        elif name == "HEALTHCHECK":
            check = json.loads(value.partition("CMD ")[2])
        elif name == "CMD":
            start = json.loads(value)
    return stage, start, check


def main() -> int:
    """Build, start the service as its user on a read-only tree, and ask its health check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="the Debian that debootstrap made")
    parser.add_argument("folder", type=Path, help="where the stages go; it must not exist")
    parser.add_argument("--share", type=Path, action="append", default=[], help="a folder that the steps may read")
    given = parser.parse_args()
    stage, start, check = build(given.base.resolve(), given.folder.resolve(), given.share)
    with socket.create_server(("127.0.0.1", 0)) as free:  # this machine may have a service at the port of the image
        port = str(free.getsockname()[1])
    start = [port if word == _PORT else word for word in start]
    check = [word.replace(f":{_PORT}/", f":{port}/") for word in check]
    environment = stage.environment | {"CDS_ALLOW_UNAUTHENTICATED": "yes"}
    print("START", shlex.join(start), "as user", stage.user, "on a read-only tree", flush=True)
    serving = subprocess.Popen(stage.command(start, read_only=True), env=environment)  # noqa: S603
    try:
        for _ in range(120):
            asked = subprocess.run(stage.command(check), env=environment, check=False, stderr=subprocess.DEVNULL)  # noqa: S603
            if asked.returncode == 0:
                break
            if serving.poll() is not None:
                return 1
            time.sleep(0.5)
        else:
            print("the health check fails", file=sys.stderr)
            return 1
        print("HEALTHCHECK succeeds", flush=True)
        writes = stage.command(["/bin/sh", "-c", "! touch /opt/cds/x /usr/x 2>/dev/null"], read_only=True)
        subprocess.run(writes, env=environment, check=True)  # noqa: S603
        print("nothing can be written outside of /tmp and /var/lib/cds", flush=True)
        stage.user = ""
        stage.run(["/bin/sh", "-c", "! command -v gcc cc && ! test -e /opt/cds/bin/pip"])
        print("there is no compiler, and no pip beside the service", flush=True)
    finally:
        serving.terminate()
        print("STOPPED with exit code", serving.wait(timeout=60), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

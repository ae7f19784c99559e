"""nginx with docker/nginx.conf, in a folder and on a port of its own."""

import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NEEDED = os.environ.get("CDS_TESTS_NEED_NGINX", "")
"""If set, as in CI, tests that need nginx fail instead of being skipped."""

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

SITE = Path(__file__).parents[2] / "docker" / "nginx.conf"

_REPLICA = "server service:8000 max_fails=1 fail_timeout=2s;"


class Nginx:
    """nginx in front of ports; everything it writes is in the folder, `certificate` is the one to trust."""

    def __init__(self, folder: Path, *upstream_ports: int) -> None:
        assert PROGRAM is not None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.certificate = folder / "certificate.pem"
        self._write_certificate(folder / "key.pem")
        self._configure(*upstream_ports)
        command = [PROGRAM, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603
        self._wait()

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop nginx at once."""
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        finally:
            self._process.kill()
            self._process.wait()

    def share_among(self, *upstream_ports: int) -> None:
        """From now on share new calls among these ports; return once no process of before works on one."""
        before = self._workers()
        self._configure(*upstream_ports)
        self._process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 30
        while before & self._workers():
            assert time.monotonic() < until, "the calls of before do not end"
            time.sleep(0.02)

    def _workers(self) -> set[str]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return set(children.read_text(encoding="utf-8").split())

    def _configure(self, *upstream_ports: int) -> None:
        site = SITE.read_text(encoding="utf-8").replace("/tmp/", f"{self.folder}/")  # noqa: S108
        replicas = "\n".join(_REPLICA.replace("service:8000", f"127.0.0.1:{port}") for port in upstream_ports)
        for documented, here in {
            "listen 8443 ": f"listen 127.0.0.1:{self.port} ",
            _REPLICA: replicas,
            "/etc/nginx/tls/tls.crt": str(self.certificate),
            "/etc/nginx/tls/tls.key": str(self.folder / "key.pem"),
            "error_log stderr error;": f"error_log {self.folder}/error.log notice;\nworker_processes 1;",
        }.items():
            assert site.count(documented) == 1
            site = site.replace(documented, here)
        main = "daemon off;\n" + ("user root;\n" if os.geteuid() == 0 else "")
        (self.folder / "nginx.conf").write_text(main + site, encoding="utf-8")

    @property
    def written(self) -> str:
        """The error log."""
        return (self.folder / "error.log").read_text(encoding="utf-8")

    def _wait(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except ConnectionRefusedError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError(self.written)

    def _write_certificate(self, key_file: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

"""nginx with the site of docs/running.md, in a folder and on a port of its own."""

import datetime
import os
import re
import shutil
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

_MAIN = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log notice;
events {{}}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/responses;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def documented_site() -> str:
    """The site of docs/running.md."""
    text = (Path(__file__).parents[2] / "docs" / "running.md").read_text(encoding="utf-8")
    (site,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    return site


class Nginx:
    """nginx in front of a port; everything it writes is in the folder, `certificate` is the one to trust."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        assert PROGRAM is not None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.certificate = folder / "certificate.pem"
        self._write_certificate(folder / "key.pem")
        site = documented_site()
        for documented, here in {
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "http://127.0.0.1:8000;": f"http://127.0.0.1:{upstream_port};",
            "/etc/ssl/certs/cds.example.org.pem": str(self.certificate),
            "/etc/ssl/private/cds.example.org.key": str(folder / "key.pem"),
        }.items():
            assert site.count(documented) == 1
            site = site.replace(documented, here)
        (folder / "site.conf").write_text(site, encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user), encoding="utf-8")
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

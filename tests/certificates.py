"""Certificates for tests, made with the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

SANS = "DNS:prometheus.example,IP:192.0.2.7,IP:2001:db8::1,email:ops@example.org,URI:spiffe://x/y"


@dataclass(frozen=True)
class Keys:
    """A folder of certificates, each NAME.crt and NAME.key."""

    folder: Path

    def make(self, name: str, *options: str) -> None:
        base = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}"]
        run([*base, "-nodes", "-days", "2", *files, *options], self.folder)

    def client(
        self, name: str | None = None, version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """A client that trusts the server, with a certificate if one is named."""
        context = ssl.create_default_context(cafile=self.folder / "server.crt")
        context.load_verify_locations(self.folder / "renewed.crt")
        if name:
            context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        if version:
            context.maximum_version = version
        return context


def run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=30)


def make(folder: Path) -> Keys:
    """Of the server, of the same one renewed, of a client with many names, and of a stranger."""
    made = Keys(folder)
    host = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    made.make("server", *host)
    made.make("renewed", *host)
    made.make("ca")
    issued = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE")
    made.make("known", *issued, "-addext", f"subjectAltName={SANS}")
    made.make("stranger", "-addext", f"subjectAltName={SANS}")
    return made

"""Certificates of an authority of the tests' own, and requests over TLS whose client's address a load balancer tells."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Certificate", "ask"]

_LONG = timedelta(days=3650)


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; ``path`` is its own, whose files lie in ``folder``."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = self._signed(name, self._subject, self._key, x509.BasicConstraints(ca=True, path_length=0)).certificate

    def sign(self, name: str, *serial_numbers: str) -> Certificate:
        """A certificate for ``name``, whose subject has these serial numbers."""
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, number) for number in serial_numbers]
        key = ec.generate_private_key(ec.SECP256R1())
        return self._signed(f"{name}-{len(serial_numbers)}", x509.Name(attributes), key, x509.BasicConstraints(ca=False, path_length=None))

    def _signed(self, name: str, subject: x509.Name, key: ec.EllipticCurvePrivateKey, basic: x509.BasicConstraints) -> Certificate:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LONG)
            .not_valid_after(now + _LONG)
            .add_extension(basic, critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return files


def ask(
    port: int, path: str, authority: Path, *, client: str, headers: Mapping[str, str], certificate: Certificate | None = None
) -> tuple[int, bytes]:
    """Status and body of ``https://localhost:port/path``, asked by a client that a load balancer saw at that address."""
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        plain.sendall(f"PROXY TCP4 {client} 192.0.2.200 1234 443\r\n".encode())
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            connection = http.client.HTTPConnection("localhost", port)
            connection.sock = encrypted
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()

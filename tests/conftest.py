"""What the tests of the core share: an organisation, its verwerkingsactiviteiten, and a recorder on a log in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from crash.receivers import Sink, register
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.outbox import Keeper, answers, wait_until
from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings

if os.environ.get("WITHOUT_HTTPCORE2"):  # ApiLog then has httpcore beneath it; the tests themselves do as ever
    newer = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "httpcore2"}
    sys.modules["httpcore2"] = None  # type: ignore[assignment]  # what Python takes for not there
    from verwerkingenlogging.logs._http.http_library import core

    del sys.modules["httpcore2"]
    sys.modules.update(newer)
    assert core.__name__ == "httpcore"

GEMEENTE = "00000001821002193000"
BRP_REGISTRATIE = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
BRP_URL = "https://var.gemeente.example/5f0bef4c-f66f-4311-84a5-19e8bf359eaf"
MOMENT = datetime(2024, 4, 5, 12, 35, 42, tzinfo=UTC)

pytest_plugins = ["pytester"]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an outbox."""
    return tmp_path / "outbox"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority that nobody knows, which is localhost too: its certificate, with its key in ``key.pem`` beside it."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    (folder / "authority.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "authority.pem"


@pytest.fixture
def activiteiten() -> Activiteiten:
    return Activiteiten(
        {
            GEMEENTE: [
                Activiteit(naam="brp-registratie", id=BRP_REGISTRATIE, url=BRP_URL),
                Activiteit(
                    naam="fraude", id=UUID("c63bc08f-071d-4dff-aaff-c40525ca4244"), bewaartermijn="P5Y", bewaartermijn_maximum="P20Y"
                ),
            ]
        }
    )


@pytest.fixture
def make_recorder(log: MemoryLog, activiteiten: Activiteiten) -> Callable[..., Recorder]:
    def make(**settings: Any) -> Recorder:
        given = {"oin": GEMEENTE, "activiteiten": activiteiten, "systeem": "FooBarApp v2.1", "gegevensbron": "FooBar Database", **settings}
        return Recorder(log, Settings(**given), clock=lambda: MOMENT)

    return make


@pytest.fixture
def recorder(make_recorder: Callable[..., Recorder]) -> Recorder:
    return make_recorder()


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """A real register, for the tests of a module together: each looks for the verwerkingen that it made."""
    pytest.importorskip("verwerkingenlogging_register")  # it is not beside the lowest versions of others: .ci/lowest
    with register(tmp_path_factory.mktemp("register")) as running:
        wait_until(lambda: answers(running))
        yield running

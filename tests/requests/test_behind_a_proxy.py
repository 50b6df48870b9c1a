"""The page "Run it behind a proxy" is true: its configurations are run, before a real uvicorn and a real gunicorn with Django."""

from __future__ import annotations

import base64
import contextlib
import http.client
import importlib.util
import json
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.servers import BIN, free_port, serving, until
from tests.tls import Authority, Certificate, ask

PAGE = Path(__file__).parents[2].joinpath("docs", "how-to", "run-behind-a-proxy.md").read_text(encoding="utf-8")
BLOCKS: dict[str, str] = dict(re.findall(r"<!-- (\w+: [^\n]+?) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
OIN, DERDE, OTHER = "00000001821002193000", "00000001804770694000", "00000099000000001000"
PEER, STRANGER = "10.1.2.3", "192.0.2.1"
CONFIDENTIAL = {"OIN": DERDE, "Vertrouwelijkheid": "vertrouwelijk", "Bewaartermijn": "P7Y"}
BELIEVED = {"afnemer": DERDE, "vertrouwelijkheid": "vertrouwelijk", "bewaartermijn": "P7Y"}
IGNORED = {"afnemer": None, "vertrouwelijkheid": "normaal", "bewaartermijn": None}
# What somebody outside may think of to pass for another.
FORGED = {
    "X-Forwarded-For": PEER,
    "X-Real-IP": PEER,
    "Forwarded": f"for={PEER}",
    "X-Forwarded-Tls-Client-Cert": "forged",
}

COMMON = f"""
from uuid import UUID
from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings, persoon, verwerkingsactie
activiteiten = Activiteiten({{"{OIN}": [Activiteit(naam="brp", id=UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf"))]}})
log = MemoryLog()

def last():
    actie = log.acties[-1]
    return {{"afnemer": actie.afnemer_id, "vertrouwelijkheid": actie.vertrouwelijkheid, "bewaartermijn": actie.bewaartermijn}}
"""
FASTAPI = """
from common import *
from fastapi import FastAPI
from verwerkingenlogging_starlette import VerwerkingenloggingMiddleware

recorder = Recorder(log, Settings(oin="OIN_HERE", activiteiten=activiteiten))
app = FastAPI()

@app.get("/personen/{bsn}")
@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
async def ophalen(bsn: str):
    return last()

""".replace("OIN_HERE", OIN)
DJANGO = """
from common import *
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["verwerkingenlogging_django"]
MIDDLEWARE = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"]
VERWERKINGENLOGGING = {"OIN": "OIN_HERE", "ACTIVITEITEN": activiteiten, "LOG": log}

""".replace("OIN_HERE", OIN)
URLS = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "project"
from common import *
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

@verwerkingsactie("Ophalen persoonsgegevens", activiteit="brp", objecten=persoon("bsn"))
def ophalen(request, bsn):
    return JsonResponse(last())

urlpatterns = [path("personen/<bsn>", ophalen)]
wsgi = get_wsgi_application()
"""


@dataclass(frozen=True)
class Place:
    """A folder with everything, and who signs its certificates."""

    folder: Path
    authority: Authority
    server: Certificate


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("proxy")
    authority = Authority(folder)
    for name, content in {"common.py": COMMON, "urls.py": URLS, **files("py")}.items():
        (folder / name).write_text(content)
    return Place(folder, authority, authority.sign("localhost"))


def files(ending: str) -> dict[str, str]:
    return {kind.removeprefix("file: "): text for kind, text in BLOCKS.items() if kind.startswith("file: ") and kind.endswith(ending)}


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """``text`` with each first thing replaced by the second: all of them are in it."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def certificates(place: Place) -> list[tuple[str, str]]:
    return [
        ("/etc/app/certificate.pem", str(place.server.certificate)),
        ("/etc/app/key.pem", str(place.server.key)),
        ("/etc/app/callers.pem", str(place.authority.path)),
    ]


Command = Callable[[Place, int, str], list[str]]


def nginx(place: Place, port: int, application: str, *more: tuple[str, str]) -> list[str]:
    server = replaced(
        BLOCKS["file: nginx.conf"],
        *certificates(place),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;"),
        ("http://127.0.0.1:8000", f"http://{application}"),
        ("/var/log/nginx/app.log", "stderr"),
        *more,
    )
    folder = place.folder / f"nginx-{port}"
    folder.mkdir()
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{}}\nhttp {{ {temporary}\n{server} }}"
    )
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(place: Place, port: int, application: str) -> list[str]:
    balancer = "listener_wrappers {\nproxy_protocol {\nallow 127.0.0.1/32\n}\ntls\n}"
    caddyfile = replaced(
        BLOCKS["file: Caddyfile"],
        *certificates(place),
        ("{\n\tlog {", f"{{\nadmin off\nauto_https disable_redirects\npersist_config off\nservers {{\n{balancer}\n}}\nlog {{"),
        ("app.gemeente.example {", f"https://localhost:{port} {{\n\tbind 127.0.0.1"),
        ("127.0.0.1:8000", application.replace("unix:", "unix/")),
    )
    path = place.folder / f"Caddyfile-{port}"
    path.write_text(caddyfile)
    return [str(BIN / "caddyserver"), "run", "--config", str(path), "--adapter", "caddyfile"]


def traefik(place: Place, port: int, application: str) -> list[str]:
    dynamic = place.folder / f"app-{port}.yaml"
    dynamic.write_text(replaced(BLOCKS["file: app.yaml"], *certificates(place), ("127.0.0.1:8000", application)))
    static = place.folder / f"traefik-{port}.yaml"
    balancer = '\n    proxyProtocol:\n      trustedIPs: ["127.0.0.1/32"]'
    static.write_text(
        replaced(
            BLOCKS["file: traefik.yaml"],
            ('address: ":443"', f'address: "127.0.0.1:{port}"{balancer}'),
            ("/etc/traefik/app.yaml", str(dynamic)),
        )
    )
    return [str(BIN / "traefik"), f"--configFile={static}"]


PROXIES: dict[str, Command] = {"nginx": nginx, "Caddy": caddy, "Traefik": traefik}
COMMANDS = {"nginx": "nginx", "Caddy": "caddyserver", "Traefik": "traefik"}


def absent(proxy: str) -> bool:
    return shutil.which(COMMANDS[proxy], path=f"{BIN}:{os.environ['PATH']}:/usr/sbin") is None


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> str:
    if absent(request.param):
        pytest.skip(f"{request.param} is not installed here (.ci/run installs it)")
    return str(request.param)


def uvicorn(place: Place, way: str, socket: str, *more: str) -> list[str]:
    name = f"app_{way}_{len(list(place.folder.glob('app_*')))}"
    (place.folder / f"{name}.py").write_text(FASTAPI + BLOCKS[f"fastapi: {way}"])
    shown = BLOCKS.get(f"sh: uvicorn, {way}", BLOCKS["sh: uvicorn, certificates"])
    options = replaced(shown, ("uvicorn app:app --host 127.0.0.1 --port 8000", "")).split()
    where = (
        ["--uds", socket.removeprefix("unix:")] if socket.startswith("unix:") else ["--host", "127.0.0.1", "--port", socket.split(":")[1]]
    )
    return [str(BIN / "uvicorn"), f"{name}:app", *where, *(more or options)]


def gunicorn(place: Place, way: str, socket: str) -> list[str]:
    (place.folder / "project.py").write_text(DJANGO + BLOCKS[f"django: {way}"])
    return [str(BIN / "gunicorn"), "urls:wsgi", "--bind", socket, "--workers", "1", "--log-level", "warning"]


Ask = Callable[..., tuple[int, Any]]


@contextmanager
def running(place: Place, proxy: list[str], port: int, application: list[str], socket: str) -> Iterator[Ask]:
    """The proxy with the application behind it: asks for a person, and gives the status and the answer."""
    environ = {
        "PYTHONPATH": str(place.folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(place.folder),
        "XDG_DATA_HOME": str(place.folder),
    }
    ports = [] if socket.startswith("unix:") else [int(socket.split(":")[1])]
    with ExitStack() as stack:
        stack.enter_context(serving(application, *ports, folder=place.folder, environ=environ))
        if not ports:
            until(Path(socket.removeprefix("unix:")).exists)
        stack.enter_context(serving(proxy, port, folder=place.folder, environ=environ))

        def ask_it(client: str = PEER, certificate: Certificate | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
            path = "/personen/999990019"
            given = CONFIDENTIAL if headers is None else headers
            status, body = ask(port, path, place.authority.path, client=client, headers=given, certificate=certificate)
            return status, json.loads(body) if status in {200, 403} else body

        def answers() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):  # a proxy may listen before it serves
                return ask_it(headers={})[0] == 200
            return False

        until(answers)
        yield ask_it


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_callers_with_known_addresses_are_believed_and_nobody_passes_for_one(place: Place, proxy: str, server: str) -> None:
    port, socket = free_port(), f"127.0.0.1:{free_port()}"
    application = uvicorn(place, "addresses", socket) if server == "uvicorn" else gunicorn(place, "addresses", socket)
    with running(place, PROXIES[proxy](place, port, socket), port, application, socket) as ask:
        assert ask(PEER) == (200, BELIEVED)
        assert ask(STRANGER) == (200, IGNORED)
        assert ask(STRANGER, headers={**CONFIDENTIAL, **FORGED}) == (200, IGNORED)
        assert ask(PEER, headers={**CONFIDENTIAL, "X-Forwarded-For": STRANGER, "X-Real-IP": STRANGER}) == (200, BELIEVED)
        assert ask("127.0.0.1") == (200, IGNORED)


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_callers_prove_their_oin_by_a_certificate(place: Place, proxy: str, server: str) -> None:
    port, socket = free_port(), f"127.0.0.1:{free_port()}"
    application = uvicorn(place, "certificates", socket) if server == "uvicorn" else gunicorn(place, "certificates", socket)
    derde, nobody, two = (place.authority.sign("caller", *numbers) for numbers in ([DERDE], [], [DERDE, OTHER]))
    with running(place, PROXIES[proxy](place, port, socket), port, application, socket) as ask:
        assert ask(STRANGER, derde) == (200, BELIEVED)
        assert ask(STRANGER, derde, {}) == (200, {**IGNORED, "afnemer": DERDE})
        assert ask(STRANGER, derde, {**CONFIDENTIAL, "OIN": OTHER})[0] == 403
        assert ask(PEER) == (200, IGNORED)
        assert ask(PEER, nobody) == (200, IGNORED)
        assert ask(PEER, two) == (200, IGNORED)
        pem = derde.certificate.read_text()
        for forged in (pem.replace("\n", "%0A"), "".join(pem.splitlines()[1:-1])):
            headers = {**CONFIDENTIAL, "X-Forwarded-Tls-Client-Cert": forged}
            assert ask(PEER, None, headers) == (200, IGNORED)
            assert ask(PEER, nobody, headers) == (200, IGNORED)
        foreign = Authority(place.folder, "foreign").sign("foreigner", DERDE)
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # the handshake fails, which is as well
            assert ask(PEER, foreign)[0] == 400
        # And whoever reaches the application without the proxy, at another address of this machine, proves nothing.
        local = httpx2.HTTPTransport(local_address="127.0.0.2")
        with httpx2.Client(transport=local, timeout=30) as direct:
            header = {"X-Forwarded-Tls-Client-Cert": "".join(pem.splitlines()[1:-1])}
            assert direct.get(f"http://{socket}/personen/999990019", headers={**CONFIDENTIAL, **header}).json() == IGNORED


@pytest.mark.parametrize("proxy_name", ["nginx", "Caddy"])
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_behind_a_unix_socket_the_address_is_restored_too(place: Place, proxy_name: str, server: str) -> None:
    if absent(proxy_name):
        pytest.skip(f"{proxy_name} is not installed here (.ci/run installs it)")
    port, path = free_port(), Path("/tmp", f"verwerkingenlogging-{os.getpid()}-{free_port()}.sock")  # a path of a socket is short
    socket = f"unix:{path}"
    assert "--forwarded-allow-ips '*'" in PAGE
    command = (
        uvicorn(place, "addresses", socket, "--forwarded-allow-ips", "*") if server == "uvicorn" else gunicorn(place, "addresses", socket)
    )
    try:
        with running(place, PROXIES[proxy_name](place, port, socket), port, command, socket) as ask:
            assert ask(PEER) == (200, BELIEVED)
            assert ask(STRANGER, headers={**CONFIDENTIAL, **FORGED}) == (200, IGNORED)
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_programs_on_a_unix_socket_are_believed_by_name_and_a_proxy_there_is_not(place: Place, server: str) -> None:
    path = Path("/tmp", f"verwerkingenlogging-{os.getpid()}-{free_port()}.sock")
    if server == "uvicorn":
        peers = "app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder, trusted_peers=['unix'])\n"
        (place.folder / "on_unix.py").write_text(FASTAPI + peers)
        application = [str(BIN / "uvicorn"), "on_unix:app", "--uds", str(path), "--no-proxy-headers"]
    else:
        (place.folder / "project.py").write_text(DJANGO + "VERWERKINGENLOGGING['TRUSTED_PEERS'] = ['unix']\n")
        application = [str(BIN / "gunicorn"), "urls:wsgi", "--bind", f"unix:{path}", "--log-level", "warning"]
    try:
        with serving(application, folder=place.folder, environ={"PYTHONPATH": str(place.folder)}):
            until(path.exists)
            with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path)), timeout=30) as client:
                address = "http://app/personen/999990019"
                assert client.get(address, headers=CONFIDENTIAL).json() == BELIEVED
                assert client.get(address, headers={**CONFIDENTIAL, "X-Forwarded-For": PEER}).json() == IGNORED
    finally:
        path.unlink(missing_ok=True)


def test_a_server_that_listens_on_both_families_knows_an_ipv4_caller(place: Place) -> None:
    """Its address comes as ``::ffff:127.0.0.1``."""
    port = free_port()
    (place.folder / "project.py").write_text(DJANGO + "VERWERKINGENLOGGING['TRUSTED_PEERS'] = ['127.0.0.1']\n")
    application = [str(BIN / "gunicorn"), "urls:wsgi", "--bind", f"[::]:{port}", "--log-level", "warning"]
    with serving(application, port, folder=place.folder, environ={"PYTHONPATH": str(place.folder)}):
        answer = httpx2.get(f"http://127.0.0.1:{port}/personen/999990019", headers=CONFIDENTIAL, timeout=30)
        assert answer.json() == BELIEVED


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_gateway_judges_whose_headers_it_lets_through(place: Place, server: str) -> None:
    if absent("nginx"):
        pytest.skip("nginx is not installed here (.ci/run installs it)")
    port, outside, socket = free_port(), free_port(), f"127.0.0.1:{free_port()}"
    application = uvicorn(place, "gateway", socket) if server == "uvicorn" else gunicorn(place, "gateway", socket)
    host = "proxy_set_header Host $host;"
    for_outsiders = nginx(place, outside, socket, (host, f"{host}\n{BLOCKS['nginx: outsiders']}"))
    with (
        running(place, nginx(place, port, socket), port, application, socket) as ask_it,
        serving(for_outsiders, outside, folder=place.folder),
    ):
        assert ask_it(STRANGER) == (200, BELIEVED)
        status, body = ask(outside, "/personen/999990019", place.authority.path, client=PEER, headers=CONFIDENTIAL)
        assert (status, json.loads(body)) == (200, IGNORED)


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_proxy_on_this_machine_that_restores_nothing_makes_nobody_believed(place: Place, server: str) -> None:
    """A17: with what is trusted by default, an outsider behind the proxy passed for this machine."""
    if absent("nginx"):
        pytest.skip("nginx is not installed here (.ci/run installs it)")
    port, socket = free_port(), f"127.0.0.1:{free_port()}"
    if server == "uvicorn":
        (place.folder / "bare.py").write_text(FASTAPI + "app.add_middleware(VerwerkingenloggingMiddleware, recorder=recorder)\n")
        application = [str(BIN / "uvicorn"), "bare:app", "--port", socket.split(":")[1], "--no-proxy-headers"]
    else:
        (place.folder / "project.py").write_text(DJANGO)
        application = [str(BIN / "gunicorn"), "urls:wsgi", "--bind", socket, "--log-level", "warning"]
    with running(place, nginx(place, port, socket), port, application, socket) as ask:
        assert ask(STRANGER) == (200, IGNORED)
        assert ask(PEER) == (200, IGNORED)
        direct = httpx2.get(f"http://{socket}/personen/999990019", headers=CONFIDENTIAL, timeout=30)
        assert direct.json() == BELIEVED  # a program on this machine


def test_no_proxy_of_the_page_writes_a_bsn(place: Place, proxy: str) -> None:
    """Not in an access log, and not when the application is away, which each of them reports."""
    port, socket = free_port(), f"127.0.0.1:{free_port()}"
    output = place.folder / f"output-{port}"
    command = ["bash", "-c", 'exec "$@" >"$0" 2>&1', str(output), *PROXIES[proxy](place, port, socket)]
    environ = {"HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder)}
    with running(place, command, port, uvicorn(place, "addresses", socket), socket) as ask_it:
        assert ask_it() == (200, BELIEVED)
    with serving(command, port, folder=place.folder, environ=environ):

        def refused() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                path = "/personen/999990019?q=999990342"
                return ask(port, path, place.authority.path, client=PEER, headers={"Referer": "https://x/999990019"})[0] == 502
            return False

        until(refused)
    assert not [bsn for bsn in ("999990019", "999990342") if bsn in output.read_text()], output.read_text()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModuleType, ec.EllipticCurvePrivateKey]:
    """The page's module, and the key of the issuer that it knows."""
    folder = tmp_path_factory.mktemp("tokens")
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "issuer.pem").write_bytes(public)
    (folder / "tokens.py").write_text(BLOCKS["file: tokens.py"])
    spec = importlib.util.spec_from_file_location("tokens", folder / "tokens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, key


@pytest.mark.parametrize(
    ("changed", "proven"),
    [
        ({}, DERDE),
        ({"oin": "123"}, None),
        ({"oin": int(DERDE)}, None),
        ({"oin": None}, None),
        ({"exp": 1}, None),
        ({"exp": None}, None),
        ({"aud": "another"}, None),
        ({"iss": "https://elsewhere.example"}, None),
    ],
)
def test_a_token_proves_an_oin_only_when_all_of_it_is_right(
    tokens: tuple[ModuleType, ec.EllipticCurvePrivateKey], changed: dict[str, Any], proven: str | None
) -> None:
    module, key = tokens
    claims = {"oin": DERDE, "iss": "https://issuer.example", "aud": "mijn-app", "exp": time.time() + 600} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    assert module.proven_oin("Bearer " + jwt.encode(claims, key, algorithm="ES256")) == proven


def test_a_token_of_another_key_or_kind_proves_nothing(tokens: tuple[ModuleType, ec.EllipticCurvePrivateKey]) -> None:
    module, key = tokens
    claims = {"oin": DERDE, "iss": "https://issuer.example", "aud": "mijn-app", "exp": time.time() + 600}
    for token in (
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        jwt.encode(claims, "a secret of more than thirty-two bytes", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        "no token",
        "",
    ):
        assert module.proven_oin(f"Bearer {token}") is None
    assert module.proven_oin("") is None
    assert module.proven_oin("Basic " + jwt.encode(claims, key, algorithm="ES256")) is None


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_callers_prove_their_oin_by_a_token(place: Place, server: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (place.folder / "issuer.pem").write_bytes(public)
    socket = f"127.0.0.1:{free_port()}"
    application = uvicorn(place, "tokens", socket) if server == "uvicorn" else gunicorn(place, "tokens", socket)
    claims = {"oin": DERDE, "iss": "https://issuer.example", "aud": "mijn-app", "exp": time.time() + 600}
    token = jwt.encode(claims, key, algorithm="ES256")
    environ = {"PYTHONPATH": str(place.folder)}
    with serving(application, int(socket.split(":")[1]), folder=place.folder, environ=environ):
        address = f"http://{socket}/personen/999990019"
        proven = {**CONFIDENTIAL, "Authorization": f"Bearer {token}", "X-Forwarded-For": STRANGER}
        with httpx2.Client(timeout=30) as client:
            assert client.get(address, headers=proven).json() == BELIEVED
            assert client.get(address, headers={**proven, "OIN": OTHER}).status_code == 403
            assert client.get(address, headers=CONFIDENTIAL).json() == IGNORED


@pytest.mark.parametrize("name", [[DERDE], [], [DERDE, OTHER], ["123"]])
def test_the_certificate_on_the_page_is_read_as_each_proxy_writes_it(place: Place, name: list[str]) -> None:
    spec = importlib.util.spec_from_file_location("certificates", place.folder / "certificates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    certificate = x509.load_pem_x509_certificate(place.authority.sign("read", *name).certificate.read_bytes())
    text = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    expected = DERDE if name == [DERDE] else None
    for written in (text, f"{text},{text}", certificate.public_bytes(serialization.Encoding.PEM).decode().replace("\n", "%0A")):
        assert module.proven_oin("127.0.0.1", written) == expected
        assert module.proven_oin("", written) == expected
        assert module.proven_oin(PEER, written) is None

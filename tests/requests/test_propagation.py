"""Our doelbinding on outgoing calls: to listed hosts only, and exactly what was logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import httpx2
import pytest
from tests.http_server import Server, answer, http_server

from verwerkingenlogging import (
    VNG,
    ConfigurationError,
    Doelbinding,
    HeaderProfile,
    MemoryLog,
    Propagation,
    Recorder,
    Vertrouwelijkheid,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
)

ZAAK = UUID("48086bf2-11b7-4603-9526-67d7c3bb6587")
URL = "https://gegevensmagazijn.example/personen"


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        running.answer = answer(200, {})
        yield running


def test_what_was_logged_is_what_is_sent(recorder: Recorder, log: MemoryLog) -> None:
    @verwerkingsactie(
        "Ophalen persoonsgegevens",
        activiteit="brp-registratie",
        objecten=persoon("bsn"),
        verwerking_id="zaak",
        vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK,
        bewaartermijn="P150Y",
    )
    def body(bsn: str, zaak: UUID) -> dict[str, str]:
        return Propagation(hosts=["gegevensmagazijn.example"]).headers(URL)

    with recording(recorder):
        headers = body("2308572", ZAAK)
    (actie,) = log.acties
    assert headers == {
        "OIN": "00000001821002193000",
        "VerwerkingsactiviteitId": str(actie.verwerkingsactiviteit_id),
        "VerwerkingsactiviteitUrl": actie.verwerkingsactiviteit_url,
        "VerwerkingId": str(actie.verwerking_id),
        "Vertrouwelijkheid": "vertrouwelijk",
        "Bewaartermijn": "P150Y",
    }


def test_the_callers_confidentiality_and_term_travel_on_but_not_its_identity(recorder: Recorder) -> None:
    @verwerkingsactie("Ophalen", activiteit="brp-registratie", objecten=persoon("bsn"))
    def body(bsn: str) -> dict[str, str]:
        return Propagation(hosts=["gegevensmagazijn.example"]).headers(URL)

    caller = Doelbinding(
        oin="00000001804770694000", verwerking_id=ZAAK, vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK, bewaartermijn="P9Y"
    )
    with recording(recorder, caller=caller):
        headers = body("2308572")
    assert (headers["Vertrouwelijkheid"], headers["Bewaartermijn"]) == ("vertrouwelijk", "P9Y")
    assert headers["OIN"] == "00000001821002193000"
    assert headers["VerwerkingId"] != str(ZAAK)


def test_within_a_verwerking_the_first_actie_decides_what_is_sent(recorder: Recorder, log: MemoryLog) -> None:
    propagation = Propagation(hosts=["gegevensmagazijn.example"])
    with recording(recorder), verwerking("Onderzoek", id=ZAAK):
        log_actie("Zoeken persoon", objecten="2308572", activiteit="fraude", vertrouwelijkheid=Vertrouwelijkheid.VERTROUWELIJK)
        headers = propagation.headers(URL)
        log_actie("Ophalen persoonsgegevens", objecten="2308572", activiteit="brp-registratie")
        assert propagation.headers(URL) == headers
    first, second = log.acties
    assert (
        (headers["Vertrouwelijkheid"], headers["Bewaartermijn"])
        == (str(first.vertrouwelijkheid), first.bewaartermijn)
        == ("vertrouwelijk", "P5Y")
    )
    assert headers["VerwerkingsactiviteitId"] == str(first.verwerkingsactiviteit_id)
    assert (second.vertrouwelijkheid, second.bewaartermijn) == (first.vertrouwelijkheid, first.bewaartermijn)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://gegevensmagazijn.example/x", True),
        ("https://GEGEVENSMAGAZIJN.example:8443/x", True),
        ("http://127.0.0.1:8001/x", True),
        ("http://127.0.0.1:8002/x", False),
        ("https://gegevensmagazijn.example.evil.example/x", False),
        ("https://evil.example/?gegevensmagazijn.example", False),
        ("https://gegevensmagazijn.example@evil.example/", False),
        ("/relative", False),
        ("https://gegevensmagazijn.example:port/", False),
        ("https://[gegevensmagazijn.example/", False),
    ],
)
def test_only_listed_hosts_learn_of_it(recorder: Recorder, url: str, sent: bool) -> None:
    propagation = Propagation(hosts=["Gegevensmagazijn.example", "127.0.0.1:8001"])
    with recording(recorder), verwerking("Huwelijk", id=ZAAK, activiteit="brp-registratie"):
        assert bool(propagation.headers(url)) is sent


def test_an_executor_makes_itself_known_by_its_own_oin(make_recorder: Callable[..., Recorder]) -> None:
    with recording(make_recorder(uitvoerder="00000099123456780000")), verwerking(activiteit="brp-registratie"):
        assert Propagation(hosts=["gegevensmagazijn.example"]).headers(URL)["OIN"] == "00000099123456780000"


def test_an_activiteit_without_a_url_goes_by_its_uuid(recorder: Recorder) -> None:
    with recording(recorder), verwerking(activiteit="fraude"):
        headers = Propagation(hosts=["gegevensmagazijn.example"]).headers(URL)
    assert headers["VerwerkingsactiviteitUrl"] == "urn:uuid:c63bc08f-071d-4dff-aaff-c40525ca4244"  # X17


def test_nothing_is_sent_where_there_is_nothing_to_say(recorder: Recorder) -> None:
    propagation = Propagation(hosts=["gegevensmagazijn.example"])
    assert propagation.headers(URL) == {}
    with recording(recorder):
        assert propagation.headers(URL) == {}
        with verwerking("Huwelijk"):
            assert propagation.headers(URL) == {}


def test_another_profile_has_other_names(recorder: Recorder) -> None:
    propagation = Propagation(hosts=["gegevensmagazijn.example"], profile=HeaderProfile(oin="x-origin-oin"))
    with recording(recorder), verwerking(activiteit="brp-registratie"):
        assert propagation.headers(URL)["x-origin-oin"] == "00000001821002193000"


@pytest.mark.parametrize("host", ["", "https://gegevensmagazijn.example", "*.example"])
def test_a_wrong_host_stops_the_start(host: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a host"):
        Propagation(hosts=[host])


async def test_hooks_of_a_client_send_it_over_real_http(recorder: Recorder, server: Server) -> None:
    propagation = Propagation(hosts=["127.0.0.1"])
    with recording(recorder), verwerking("Huwelijk", id=ZAAK, activiteit="brp-registratie"):
        with httpx2.Client(event_hooks={"request": [propagation.hook]}) as client:
            client.get(server.url)
        async with httpx2.AsyncClient(event_hooks={"request": [propagation.ahook]}) as aclient:
            await aclient.get(server.url)
    received = [VNG.read([(name.encode(), value.encode()) for name, value in headers.items()]) for _, headers, _ in server.requests]
    assert received[0] == received[1]
    assert received[0].verwerking_id == ZAAK

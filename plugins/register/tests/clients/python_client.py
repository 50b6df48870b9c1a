"""Every operation, by the clients of openapi-python-client: python python_client.py URL TOKEN EXAMPLES, beside what it generated."""

# What it generates is not there when types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from py_bewerking import AuthenticatedClient
from py_bewerking.api.verwerkingsacties import (
    verwerkingsactie_create,
    verwerkingsactie_delete,
    verwerkingsactie_list,
    verwerkingsactie_list_patch,
    verwerkingsactie_read,
    verwerkingsactie_update,
)
from py_bewerking.models import (
    EnumeratieVoorVertrouwelijkheid,
    Fout,
    VerwerkingsactieListObjecttype,
    VerwerkingsactieUitgebreid,
    VerwerkingsactieUitgebreidBasis,
    WijzigBewaartermijnVanVerwerking,
)
from py_inzage import AuthenticatedClient as InzageClient
from py_inzage.api.verwerkte_objecten import verwerkte_objecten_list, verwerktobject_read
from py_inzage.models import VerwerkteObjectenListObjecttype

BEGIN, END = datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)
# The official description requires these in a question too, though they are the register's own (X12).
OWN = {
    "url": "https://log.example.nl/api/v1/verwerkingsacties/7a22eb38-bca6-463f-9955-54ab040287cb",
    "actieId": "7a22eb38-bca6-463f-9955-54ab040287cb",
    "tijdstipRegistratie": "2024-04-05T14:35:42+01:00",
}


def whole(answer: Any) -> VerwerkingsactieUitgebreid:
    assert isinstance(answer, VerwerkingsactieUitgebreid), answer
    return answer


def every(client: AuthenticatedClient, inzage: InzageClient, given: dict[str, Any]) -> None:
    """Every operation of both APIs on one actie."""
    body = VerwerkingsactieUitgebreidBasis.from_dict({**OWN, **given})
    created = whole(verwerkingsactie_create.sync(client=client, body=body))
    said = created.to_dict()
    assert {name: said[name] for name in given if name not in {"tijdstip", "verwerkteObjecten"}} == {
        name: value for name, value in given.items() if name not in {"tijdstip", "verwerkteObjecten"}
    }
    assert created.tijdstip == body.tijdstip
    read = whole(verwerkingsactie_read.sync(created.actie_id, client=client))
    assert read == created
    read.actie_naam = "Wijzigen persoonsgegevens"
    put = whole(verwerkingsactie_update.sync(created.actie_id, client=client, body=read))
    read.tijdstip_registratie = put.tijdstip_registratie
    assert put == read

    persoon = put.verwerkte_objecten[0]
    question = {"soort_object_id": persoon.soort_object_id, "object_id": persoon.object_id, "begin_datum": BEGIN, "eind_datum": END}
    found = verwerkingsactie_list.sync(
        client=client,
        objecttype=VerwerkingsactieListObjecttype.PERSOON,
        vertrouwelijkheid=[EnumeratieVoorVertrouwelijkheid.NORMAAL],
        **question,
    )
    assert created.actie_id in [actie.actie_id for actie in found.results]
    seen = verwerkte_objecten_list.sync(client=inzage, objecttype=VerwerkteObjectenListObjecttype.PERSOON, **question)
    (one,) = [each for each in seen.results if each.verwerkingsactie.actie_id == created.actie_id]
    assert verwerktobject_read.sync(persoon.verwerkt_object_id, client=inzage) == one

    if "verwerkingId" in given:
        change = WijzigBewaartermijnVanVerwerking(bewaartermijn="P12Y")
        patched = verwerkingsactie_list_patch.sync_detailed(client=client, verwerking_id=created.verwerking_id, body=change)
        assert patched.status_code == 204, patched
        assert whole(verwerkingsactie_read.sync(created.actie_id, client=client)).bewaartermijn == "P12Y"
    assert verwerkingsactie_delete.sync_detailed(created.actie_id, client=client).status_code == 204
    gone = verwerkingsactie_read.sync(created.actie_id, client=client)
    assert isinstance(gone, Fout), gone
    assert gone.code == "not-found"


def main(url: str, token: str, examples: str) -> None:
    given = json.loads(Path(examples).read_text(encoding="utf-8"))
    client = AuthenticatedClient(url, token=token, timeout=60, raise_on_unexpected_status=True)
    inzage = InzageClient(url, token=token, timeout=60, headers=given["headers"], raise_on_unexpected_status=True)
    for body in given["bodies"]:
        every(client, inzage, body)
    print(f"openapi-python-client: {len(given['bodies'])} times every operation")


if __name__ == "__main__":
    main(*sys.argv[1:])

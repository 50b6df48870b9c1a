"""Ten thousand acties with several persons each: who looks at what is logged about one, sees nobody else (threat 9).

On SQLite fewer of them: what is asked of the database is the same.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api, Place

ACTIES = 10_000
PERSONS = [f"#{number:06}#" for number in range(400)]
ANYBODY = re.compile(r"#\d{6}#")
CHANCE = random.Random(20241105)


def generated(number: int) -> dict[str, Any]:
    persons = CHANCE.choices(PERSONS, k=CHANCE.randint(2, 6))
    return {
        "vertrouwelijkheid": CHANCE.choice(["normaal", "normaal", "vertrouwelijk"]),
        "tijdstip": f"2024-04-{number % 28 + 1:02}T14:35:42+02:00",
        "systeem": "FooBarApp",
        "gebruiker": "g-1",
        "gegevensbron": "FooBar Database",
        "verwerkteObjecten": [
            {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": person, "betrokkenheid": CHANCE.choice(["Getuige", "Partner"])}
            for person in persons
        ],
    }


async def test_ten_thousand_acties_show_one_person_nobody_else(api: Api, place: Place) -> None:
    acties = [generated(number) for number in range(ACTIES if isinstance(place.location, URL) else ACTIES // 5)]
    for start in range(0, len(acties), 1000):
        answer = (await api.batch(acties[start : start + 1000])).json()
        assert {result["status"] for result in answer["results"]} == {201}
    visible = Counter(
        verwerkt["objectId"] for actie in acties if actie["vertrouwelijkheid"] == "normaal" for verwerkt in actie["verwerkteObjecten"]
    )
    foreign = shown = 0
    for person in PERSONS:
        response = await api.inzage(objectId=person, pageSize=500, scope="read:confidential")
        assert response.json()["count"] == len(response.json()["results"]) == visible[person]
        foreign += len(set(ANYBODY.findall(response.text)) - {person})
        shown += visible[person]
        assert not re.search("systeem|gebruiker|gegevensbron|FooBar|g-1", response.text)
    assert (foreign, shown) == (0, visible.total())

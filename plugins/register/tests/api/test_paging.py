"""Paging through what changes meanwhile, and by reading itself (X56): what was there at the first page comes exactly once."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from plugins.register.tests.conftest import BSN, DOELBINDING

from verwerkingenlogging_register import Settings

if TYPE_CHECKING:
    from plugins.register.tests.conftest import Api

VERWERKING = "89aa7a9a-1f79-44de-b32e-8e38e07138f3"
PERSON = {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN}
PERIOD = {"beginDatum": "2024-01-01", "eindDatum": "2025-01-01"}
EVERYTHING = 500
BOTH_APIS = pytest.mark.parametrize("where", ["verwerkingsacties", "verwerkte-objecten"])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Each page is itself recorded, about the same person."""
    return dataclasses.replace(settings, log_inzage=True)


@dataclass(frozen=True)
class Reader:
    """Somebody who asks one question of one API, by address or by body."""

    api: Api
    where: str
    question: dict[str, Any]
    by_body: bool = False
    scope: str | None = None

    async def first(self, page_size: int = EVERYTHING) -> dict[str, Any]:
        query = {"pageSize": page_size}
        if self.by_body:
            return await self._answer("POST", f"/{self.where}/_zoek", query)
        return await self._answer("GET", f"/{self.where}", {**self.question, **query})

    async def follow(self, address: str) -> dict[str, Any]:
        return await self._answer("POST" if self.by_body else "GET", address, None)

    async def _answer(self, method: str, address: str, query: dict[str, Any] | None) -> dict[str, Any]:
        body = self.question if method == "POST" else None
        headers = {**self.api.auth(self.scope), **DOELBINDING}
        response = await self.api.http.request(method, address, params=query, json=body, headers=headers)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def names(self, answer: dict[str, Any], meanwhile: Callable[[], Any] | None = None) -> list[str]:
        """The names of all acties from that page on; ``meanwhile`` happens before each next page."""
        seen = names(answer)
        for _ in range(100):
            if answer["next"] is None:
                return seen
            if meanwhile is not None:
                await meanwhile()
            count, answer = answer["count"], await self.follow(answer["next"])
            assert answer["count"] == count
            seen += names(answer)
        raise AssertionError("it does not end")


def names(answer: dict[str, Any]) -> list[str]:
    """What the acties on a page are called; those that reading itself makes have a name too."""
    return [result.get("verwerkingsactie", result)["actieNaam"] for result in answer["results"]]


def reader(api: Api, where: str, *, by_body: bool = False) -> Reader:
    """Of all that there is about the person."""
    return Reader(api, where, {**PERSON, "beginDatum": "2000-01-01", "eindDatum": "2100-01-01"}, by_body=by_body)


async def fill(api: Api, number: int) -> list[dict[str, Any]]:
    """So many acties about the person, the first in order called 0; two by two they have the same tijdstip."""
    posted = [
        await api.posted(actieNaam=str(each), verwerkingId=VERWERKING, tijdstip=f"2024-04-05T14:{each // 2:02}:00Z")
        for each in range(number)[::-1]
    ]
    for each, answer in enumerate(reversed(posted)):
        assert answer["actieNaam"] == str(each)
    return posted


def order(number: int) -> list[str]:
    """The names of ``fill`` as they come: the newest tijdstip first, and of one tijdstip the last that was registered."""
    return [str(each) for each in sorted(range(number), key=lambda each: (-(each // 2), each))]


@BOTH_APIS
@pytest.mark.parametrize("by_body", [False, True])
async def test_each_actie_comes_once_though_reading_adds_to_what_is_read(api: Api, where: str, *, by_body: bool) -> None:
    await fill(api, 14)
    asked = reader(api, where, by_body=by_body)
    assert await asked.names(await asked.first(4)) == order(14)


@BOTH_APIS
async def test_pages_of_one_end(api: Api, where: str) -> None:
    await fill(api, 3)
    asked = reader(api, where)
    first = await asked.first(1)
    assert (first["count"], await asked.names(first)) == (3, order(3))


@BOTH_APIS
async def test_what_is_removed_between_two_pages_hides_nothing_else(api: Api, where: str) -> None:
    posted = {answer["actieNaam"]: answer["actieId"] for answer in await fill(api, 9)}
    asked = reader(api, where)
    first = await asked.first(3)
    for name in (*order(9)[:2], order(9)[4]):
        await api.delete(posted[name])
    assert await asked.names(first) == [*order(9)[:4], *order(9)[5:]]


@BOTH_APIS
async def test_what_a_correction_moves_comes_once_at_its_old_place_as_it_reads_now(api: Api, where: str) -> None:
    await fill(api, 6)
    asked = reader(api, where)
    first = await asked.first(2)
    found = {actie["actieNaam"]: actie for actie in (await api.search()).json()["results"]}
    await api.put(found[order(6)[0]], tijdstip="2001-01-01T00:00:00Z")  # it was shown
    await api.put(found[order(6)[4]], tijdstip="2030-01-01T00:00:00Z", actieNaam="verbeterd")
    assert await asked.names(first) == [*order(6)[:4], "verbeterd", order(6)[5]]


@BOTH_APIS
async def test_what_became_vertrouwelijk_or_was_about_somebody_else_is_not_shown(api: Api, where: str) -> None:
    await fill(api, 6)
    asked = Reader(api, where, {**PERSON, **PERIOD, **({"vertrouwelijkheid": "normaal"} if where == "verwerkingsacties" else {})})
    first = await asked.first(2)
    found = {actie["actieNaam"]: actie for actie in (await api.search()).json()["results"]}
    await api.put(found[order(6)[2]], vertrouwelijkheid="vertrouwelijk")
    await api.put(found[order(6)[3]], verwerkteObjecten=[{**PERSON, "objectId": "1"}])
    assert await asked.names(first) == [*order(6)[:2], *order(6)[4:]]


async def test_what_moved_out_of_the_period_or_the_activiteit_is_not_shown(api: Api) -> None:
    activiteit = str(uuid4())
    posted = [
        await api.posted(actieNaam=str(number), verwerkingsactiviteitId=activiteit, tijdstip=f"2024-05-0{number}T00:00:00Z")
        for number in range(1, 6)
    ]
    asked = Reader(api, "verwerkingsacties", {**PERSON, **PERIOD, "verwerkingsactiviteitId": activiteit})
    first = await asked.first(1)
    await api.put(posted[3], tijdstip="2025-06-01T00:00:00Z")
    await api.put(posted[2], verwerkingsactiviteitId=str(uuid4()))
    assert await asked.names(first) == ["5", "2", "1"]


async def test_an_occurrence_that_got_another_id_stands_where_it_stood(api: Api) -> None:
    """A PUT that leaves verwerktObjectId out makes a new occurrence (X13); the citizen must not miss it for that."""
    twice = [{**PERSON, "betrokkenheid": "Partner"}, {**PERSON, "betrokkenheid": "Getuige"}]
    posted = [
        await api.posted(actieNaam=str(number), verwerkteObjecten=twice, tijdstip=f"2024-05-0{number}T00:00:00Z") for number in (1, 2, 3)
    ]
    asked = reader(api, "verwerkte-objecten")
    first = await asked.first(3)  # its last is the first of the two of actie 2
    kept = posted[1]["verwerkteObjecten"][0]
    await api.put(posted[1], verwerkteObjecten=[kept, {**PERSON, "betrokkenheid": "Kind"}, {**PERSON, "betrokkenheid": "Voogd"}])
    await api.put(posted[0], verwerkteObjecten=[{**PERSON, "betrokkenheid": "Kind"}])
    rest = await asked.follow(first["next"])
    assert [(result["verwerkingsactie"]["actieNaam"], result["betrokkenheid"]) for result in rest["results"]] == [
        ("2", "Kind"),
        ("1", "Kind"),
    ]


@pytest.mark.parametrize("where", ["verwerkingsacties", "verwerkte-objecten"])
async def test_when_nothing_is_left_the_page_is_empty_and_the_way_back_is_open(api: Api, where: str) -> None:
    posted = {answer["actieNaam"]: answer["actieId"] for answer in await fill(api, 5)}
    asked = reader(api, where)
    first = await asked.first(3)
    for name in order(5)[3:]:
        await api.delete(posted[name])
    after = await asked.follow(first["next"])
    assert (after["count"], after["results"], after["next"]) == (5, [], None)
    back = await asked.follow(after["previous"])
    assert (names(back), back["next"], back["previous"]) == (order(5)[:3], None, None)
    for name in order(5)[:3]:
        await api.delete(posted[name])
    nothing = await asked.follow(after["previous"])
    assert (nothing["results"], nothing["next"], nothing["previous"]) == ([], None, None)


async def test_far_more_can_be_gone_than_a_page_holds(api: Api) -> None:
    posted = await fill(api, 40)
    asked = reader(api, "verwerkte-objecten")
    first = await asked.first(2)
    gone = {*order(40)[2:37]}
    for answer in posted:
        if answer["actieNaam"] in gone:
            await api.delete(answer["actieId"])
    assert await asked.names(first) == [*order(40)[:2], *order(40)[37:]]


async def test_a_verwerking_that_is_changed_between_two_pages_comes_in_one_order(api: Api) -> None:
    """Its versions are registered anew, all at one moment: what had another order by that."""
    for number in range(6):
        await api.posted(actieNaam=str(number), verwerkingId=VERWERKING, tijdstip="2024-04-05T14:00:00Z")
    asked = Reader(api, "verwerkingsacties", {"verwerkingId": VERWERKING})

    async def meanwhile() -> None:
        assert (await api.patch({"verwerkingId": VERWERKING}, {"bewaartermijn": "P9Y"})).status_code == 204
        await api.posted(actieNaam="nieuw", verwerkingId=VERWERKING)

    answer = await asked.first(2)
    assert answer["count"] == 6
    assert await asked.names(answer, meanwhile) == ["5", "4", "3", "2", "1", "0"]


async def test_a_history_that_grows_between_two_pages_shows_no_version_twice(api: Api) -> None:
    posted = await api.posted(actieNaam="0")
    for number in range(1, 5):
        await api.put(posted, actieNaam=str(number))
    answer = (await api.history(posted["actieId"], pageSize=2)).json()
    seen, pages = [], [answer]
    while True:
        seen += names(answer)
        assert answer["count"] == 5
        if answer["next"] is None:
            break
        await api.put(posted, actieNaam="later")
        answer = (await api.http.get(answer["next"], headers=api.auth())).json()
        pages.append(answer)
    assert seen == ["4", "3", "2", "1", "0"]
    while answer["previous"]:
        pages.pop()
        answer = (await api.http.get(answer["previous"], headers=api.auth())).json()
        assert names(answer) == names(pages[-1])
    assert len(pages) == 1


@BOTH_APIS
async def test_a_page_by_its_number_is_of_now_and_leads_on_from_there(api: Api, where: str) -> None:
    await fill(api, 9)
    asked = Reader(api, where, {**PERSON, **PERIOD})
    numbered = await asked.follow(str(api.http.build_request("GET", f"/{where}", params={**asked.question, "pageSize": 2, "page": 3}).url))
    assert names(numbered) == order(9)[4:6]
    assert await asked.names(numbered) == order(9)[4:]
    back = await asked.follow(numbered["previous"])
    assert names(back) == order(9)[2:4]
    assert names(await asked.follow(back["previous"])) == order(9)[:2]
    assert names(await asked.follow(back["next"])) == order(9)[4:6]


@dataclass
class Walk:
    """Somebody on his way through a result, and what he must get: of what was there at first, that which the same question finds now."""

    reader: Reader
    size: int
    there: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    stayed: set[str] = field(default_factory=set)
    forward: bool = True

    async def begin(self) -> None:
        self.there = [result["url"] for result in (await self.reader.first())["results"]]
        self.stayed = set(self.there)
        self.answer = await self.reader.first(self.size)
        # The whole, when it was asked for, was recorded: those are of later, and of no period.
        assert self.answer["count"] == len(self.there)
        self.shown = self._urls()
        assert self.shown == self.there[: self.size]

    @property
    def ended(self) -> bool:
        return self.answer["next" if self.forward else "previous"] is None

    def _urls(self) -> list[str]:
        return [result["url"] for result in self.answer["results"]]

    async def step(self) -> None:
        """One page on."""
        now = {result["url"]: result for result in (await self.reader.first())["results"]}
        self.stayed &= now.keys()
        here = self._urls()
        if self.forward:
            begin = self.there.index(here[-1]) + 1 if here else 0
            expected = [url for url in self.there[begin:] if url in now][: self.size]
        else:
            end = self.there.index(here[0]) if here else len(self.there)
            expected = [url for url in self.there[:end] if url in now][-self.size :]
        self.answer = await self.reader.follow(self.answer["next" if self.forward else "previous"])
        assert self.answer["results"] == [now[url] for url in expected]
        assert self.answer["count"] == len(self.there)
        self.shown += self._urls()

    def turn(self) -> None:
        """All that stayed has been shown, and nothing twice; from here on back."""
        assert len(set(self.shown)) == len(self.shown)
        assert self.stayed <= set(self.shown) <= set(self.there)
        self.forward, self.shown, self.stayed = False, [], set()


class Changes:
    """What others do to the log meanwhile, by chance."""

    def __init__(self, api: Api, chance: random.Random) -> None:
        self.api = api
        self.chance = chance
        self.acties: list[str] = []

    async def some(self, most: int) -> None:
        for _ in range(self.chance.randint(0, most)):
            await self.chance.choice([self.add, self.correct, self.correct, self.change, self.delete])()

    async def add(self, number: int = 1) -> None:
        bodies = [self._body() for _ in range(number)]
        answer = (await self.api.batch(bodies)).json()
        self.acties += [result["actieId"] for result in answer["results"]]

    async def correct(self) -> None:
        response = await self.api.actie(self.chance.choice(self.acties))
        if response.status_code == 404:
            return
        actie = response.json()
        kept = [verwerkt for verwerkt in actie["verwerkteObjecten"] if self.chance.random() < 0.8]
        changed = {name: value for name, value in self._body().items() if name != "verwerkteObjecten" and self.chance.random() < 0.4}
        if changed.get("vertrouwelijkheid") == "opgeheven":
            del changed["vertrouwelijkheid"]
        answer = await self.api.put(actie, verwerkteObjecten=kept or [{**PERSON, "objectId": "1"}], **changed)
        assert answer.status_code == 200, answer.text

    async def change(self) -> None:
        value = self.chance.choice(["vertrouwelijk", "opgeheven"])
        response = await self.api.patch({"verwerkingId": self._verwerking()}, {"vertrouwelijkheid": value})
        assert response.status_code in {204, 400}

    async def delete(self) -> None:
        await self.api.delete(self.chance.choice(self.acties))

    def _verwerking(self) -> str:
        return str(UUID(int=self.chance.randint(1, 4), version=4))

    def _body(self) -> dict[str, Any]:
        chance = self.chance
        persons = chance.choice([[BSN], [BSN], [BSN, BSN], ["1", BSN], [BSN, "1", BSN], ["1"]])
        return {
            "actieNaam": str(chance.random()),
            "verwerkingId": self._verwerking(),
            "vertrouwelijkheid": chance.choice(["normaal", "normaal", "normaal", "vertrouwelijk"]),
            # Few moments, so that many have one; some are outside of the period, also by the hour.
            "tijdstip": f"{chance.choice(['2023-12-31', '2024-03-01', '2024-03-02', '2024-12-31'])}T{chance.choice(['00', '23'])}:30:00Z",
            "verwerkteObjecten": [{**PERSON, "objectId": person} for person in persons],
        }


def walks(api: Api, chance: random.Random) -> Iterator[Walk]:
    """Of each kind of question one."""
    narrow = {**PERSON, **PERIOD}
    for asked in (
        Reader(api, "verwerkingsacties", narrow),
        Reader(api, "verwerkingsacties", {**narrow, "vertrouwelijkheid": "normaal"}, by_body=True, scope="read:normal"),
        Reader(api, "verwerkte-objecten", narrow, by_body=True),
        Reader(api, "verwerkte-objecten", narrow, scope="read:normal"),
        Reader(api, "verwerkingsacties", {"verwerkingId": str(UUID(int=1, version=4)), **PERIOD}),
    ):
        yield Walk(asked, chance.choice([1, 2, 3, 5]))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_meanwhile_all_that_was_there_and_stays_comes_exactly_once(api: Api, seed: int) -> None:
    chance = random.Random(seed)  # no secret
    changes = Changes(api, chance)
    await changes.add(22)
    await changes.some(8)
    under_way = list(walks(api, chance))
    for walk in under_way:
        await walk.begin()
    for _ in range(40):
        for walk in under_way:
            if walk.ended:
                continue
            await changes.some(2)
            await walk.step()
            if walk.ended and walk.forward:
                walk.turn()
    assert all(walk.ended for walk in under_way)

"""What an id may be: text and UUIDs of any class; never a number, which is refused when the function is annotated."""

from __future__ import annotations

import decimal
import enum
import fractions
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Optional, TypedDict, TypeVar, Union
from uuid import UUID

import msgspec
import pytest
import uuid_utils
from django.utils.safestring import SafeString
from pydantic import BaseModel, PositiveInt
from typing_extensions import TypeAliasType

from verwerkingenlogging import (
    ConfigurationError,
    MemoryLog,
    NotRecorded,
    Recorder,
    VerwerktObject,
    gevonden,
    log_actie,
    persoon,
    recording,
    verwerking,
    verwerkingsactie,
    verwerkt_object,
)
from verwerkingenlogging.ldv._encoder import spans_of
from verwerkingenlogging.ldv.subjects import PseudonymousSubjects
from verwerkingenlogging.model import plain, wire_form
from verwerkingenlogging.model.trace import new_span, new_trace

if TYPE_CHECKING:
    from uuid import SafeUUID as Nummer

NUMBER = "48086bf2-11b7-4603-9526-67d7c3bb6587"
ophalen = partial(verwerkingsactie, "Ophalen persoonsgegevens", activiteit="brp-registratie")


class DriversUUID(UUID):
    """As the drivers of databases have of their own."""


class Burger(enum.StrEnum):
    JANSEN = "2308572"


class Oude(str, enum.Enum):  # noqa: UP042  # a class that applications have, whose str() is not its value
    JANSEN = "2308572"


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("given", "text"),
    [
        (UUID(NUMBER), NUMBER),
        (DriversUUID(NUMBER), NUMBER),
        (uuid_utils.UUID(NUMBER), NUMBER),
        (SafeString("2308572"), "2308572"),
        (Burger.JANSEN, "2308572"),
        (Oude.JANSEN, "2308572"),
    ],
)
def test_an_id_of_another_class_is_the_same_text_in_the_record(
    recorder: Recorder, log: MemoryLog, given: Any, text: str, many: bool
) -> None:
    @ophalen(objecten=persoon("x"))
    def known(x: Any) -> None: ...

    @ophalen(objecten=gevonden(lambda found: found))
    def find(x: Any) -> Any:
        return x

    with recording(recorder):
        for function in (known, find):
            function([given, None] if many else given)
        log_actie("Ophalen persoonsgegevens", objecten=[given], activiteit="brp-registratie")
    ids = [objekt.object_id for actie in log.acties for objekt in actie.verwerkte_objecten]
    assert ids == [text] * 3
    assert {type(one) for one in ids} == {str}
    assert all(text.encode() in wire_form(actie) for actie in log.acties)


def test_text_of_another_class_is_written_wherever_it_stands(recorder: Recorder, log: MemoryLog) -> None:
    """What templates and forms give; msgspec takes each type exactly."""
    naam = SafeString("Aanvrager")

    @verwerkingsactie(SafeString("Ophalen"), activiteit=SafeString("brp-registratie"), objecten=persoon("bsn", betrokkenheid=naam))
    def known(bsn: str) -> None: ...

    with recording(recorder, gebruiker=SafeString("key")), verwerking(SafeString("Huwelijk"), id=str(DriversUUID(NUMBER))):
        known("2308572")
        log_actie(
            "Tonen",
            objecten=VerwerktObject(object_id=SafeString("2308572"), betrokkenheid=naam),
            verwerking_id=DriversUUID(NUMBER),
            activiteit="brp-registratie",
        )
    for actie in log.acties:
        sent = msgspec.json.decode(wire_form(actie))
        assert (sent["gebruiker"], sent["verwerkingId"]) == ("key", NUMBER)
        assert sent["verwerkteObjecten"][0]["betrokkenheid"] == "Aanvrager"
        assert spans_of(actie, new_span(new_trace()), PseudonymousSubjects("x" * 32))
    with pytest.raises(TypeError, match="object is no part of a verwerkingsactie"):
        plain(object())


BsnNummer = NewType("BsnNummer", int)
Aantal = TypeAliasType("Aantal", int | None)
N = TypeVar("N", bound=int)
M = TypeVar("M", int, float)


class Soort(enum.IntEnum):
    EEN = 1


@dataclass
class Verzoek:
    nummers: list[int]
    bsn: str


class Model(BaseModel):
    bsn: PositiveInt
    verzoek: Verzoek | None = None


class Getypeerd(TypedDict):
    bsn: int
    partner: Verzoek


class Eigen:
    @property
    def bsn(self) -> int:
        return 5

    partner: Nummer


TEXTS: list[tuple[Any, str]] = [
    (str, "x"),
    (UUID, "x"),
    (str | None, "x"),
    (int | str, "x"),
    (list[int | str], "x"),
    (Any, "x"),
    (None, "x"),
    (TypeVar("Any"), "x"),
    (Sequence[str], "x"),
    (tuple[str, ...], "x"),
    (list, "x"),
    (dict[str, int], "x"),
    (dict[str, int], "x.bsn"),
    (Literal["a"], "x"),
    (Callable[[int], int], "x"),
    (Verzoek, "x.bsn"),
    (Verzoek, "x.partner.bsn"),
    (Eigen, "x.partner"),
    ("Nummer", "x"),
    (Model, "x.verzoek.bsn"),
]
NUMBERS: list[tuple[Any, str, str]] = [
    (int, "x", "int"),
    ("int", "x", "int"),
    (bool, "x", "bool"),
    (float, "x", "float"),
    (complex, "x", "complex"),
    (decimal.Decimal, "x", "Decimal"),
    (fractions.Fraction, "x", "Fraction"),
    (bytes, "x", "bytes"),
    (Soort, "x", "Soort"),
    (int | None, "x", "int"),
    (Optional[int], "x", "int"),  # noqa: UP045  # another class than that of int | None
    (Union[int, float], "x", "int"),  # noqa: UP007  # as above
    (Annotated[int, "in the path"], "x", "int"),
    (Annotated[int | None, "in the path"], "x", "int"),
    (PositiveInt, "x", "int"),
    (Literal[1, 2], "x", "int"),
    (list[int], "x", "int"),
    (Iterable[int], "x", "int"),
    (tuple[int, ...], "x", "int"),
    (set[frozenset[int]], "x", "int"),
    (BsnNummer, "x", "int"),
    (list[BsnNummer], "x", "int"),
    (Aantal, "x", "int"),
    (N, "x", "int"),
    (M, "x", "int"),
    (Verzoek, "x.nummers", "int"),
    ("list[Verzoek] | None", "x.nummers", "int"),
    (Model, "x.bsn", "int"),
    (Model, "x.verzoek.nummers", "int"),
    (Getypeerd, "x.bsn", "int"),
    (Getypeerd, "x.partner.nummers", "int"),
    (Eigen, "x.bsn", "int"),
]


def function_of(annotation: Any) -> Callable[..., None]:
    def function(x: Any) -> None: ...

    function.__annotations__ = {"x": annotation}
    return function


@pytest.mark.parametrize(("annotation", "path", "name"), NUMBERS)
def test_a_number_is_refused_when_the_function_is_annotated(annotation: Any, path: str, name: str) -> None:
    match = rf'function: "{path}" is {name}, and a number loses its leading zeros \(R5\); make it str, or give a function that makes it text: persoon\(lambda x: f"{{{path}:09d}}"\)'
    with pytest.raises(ConfigurationError, match=match):
        ophalen(objecten=persoon(path))(function_of(annotation))
    with pytest.raises(ConfigurationError, match=match):
        ophalen(objecten=[verwerkt_object(path, objecttype="zaak", soort_object_id="Zaaknummer")])(function_of(annotation))


@pytest.mark.parametrize(("annotation", "path"), TEXTS)
def test_what_may_be_text_is_not_refused(annotation: Any, path: str) -> None:
    ophalen(objecten=persoon(path))(function_of(annotation))


def test_a_number_that_is_made_text_is_recorded_with_its_zeros(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(objecten=persoon(lambda bsn: f"{bsn:09d}"))
    def known(bsn: int) -> None: ...

    with recording(recorder):
        known(2308572)
    assert log.acties[0].verwerkte_objecten[0].object_id == "002308572"


def test_who_is_named_twice_is_in_the_record_once(recorder: Recorder, log: MemoryLog) -> None:
    @ophalen(
        objecten=[persoon("a", betrokkenheid="Aanvrager"), persoon("b", betrokkenheid="Partner"), persoon("c", betrokkenheid="Partner")]
    )
    def known(a: str, b: list[str], c: str) -> None: ...

    @ophalen(objecten=gevonden(lambda found: found))
    def find(found: list[str]) -> list[str]:
        return found

    with recording(recorder):
        known("2", ["1", "3", "1"], "3")
        assert find(["3", "1", "3", "2", "1"]) == ["3", "1", "3", "2", "1"]
        log_actie("Tonen", objecten=["1", "1", VerwerktObject(object_id="1"), VerwerktObject(object_id="1", betrokkenheid="Partner")])
    assert [[(one.object_id, one.betrokkenheid) for one in actie.verwerkte_objecten] for actie in log.acties] == [
        [("2", "Aanvrager"), ("1", "Partner"), ("3", "Partner")],
        [("3", "Getoond in zoekresultaat"), ("1", "Getoond in zoekresultaat"), ("2", "Getoond in zoekresultaat")],
        [("1", None), ("1", "Partner")],
    ]


def test_what_is_found_is_held_to_the_objecttypen_too(recorder: Recorder) -> None:
    @ophalen(objecten=gevonden(lambda found: found, objecttype="zaak", soort_object_id="Zaaknummer"))
    def find() -> list[str]:
        return ["1"]

    with recording(recorder), pytest.raises(NotRecorded, match="objecttype: is not among the objecttypen that the settings allow"):
        find()

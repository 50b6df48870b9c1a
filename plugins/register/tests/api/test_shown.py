"""However somebody looks at a value of the register, it shows no number of a person and no secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from tests.support.test_representation import ACTIE, BSN, OTHER, SECRET, WAYS

from verwerkingenlogging.model import wire_form
from verwerkingenlogging_register._access.clients import Client
from verwerkingenlogging_register._acties.append import Append
from verwerkingenlogging_register._acties.reveal import Revealed
from verwerkingenlogging_register._acties.search_statements import Statement
from verwerkingenlogging_register._keys.key_file import Key
from verwerkingenlogging_register._model.positions import Position
from verwerkingenlogging_register._model.results import Found
from verwerkingenlogging_register._model.scopes import Scope, Visibility
from verwerkingenlogging_register._model.subjects import Persoon
from verwerkingenlogging_register._model.versions import ActieVersie
from verwerkingenlogging_register._wire.bodies import VerwerkingsactieIn
from verwerkingenlogging_register._wire.cursors import Cursor
from verwerkingenlogging_register._wire.search_parameters import InzageQuestion, Paging

PERSOON = Persoon("persoon", "BSN", BSN)
VERSION = ActieVersie.first(ACTIE)
CONTEXT = {"objecttypen": frozenset({"persoon"})}
QUESTION = InzageQuestion.model_validate(
    {"objecttype": "persoon", "soortObjectId": "BSN", "objectId": BSN, "beginDatum": "2026-01-01", "eindDatum": "2026-02-01"},
    context=CONTEXT,
)
OBJECTS: dict[str, Any] = {
    "Persoon": PERSOON,
    "Revealed": Revealed("asked", "id", PERSOON),
    "Search": QUESTION.to_search(Visibility(frozenset(), former=False), Paging(), "Europe/Amsterdam"),
    "Statement": Statement("select 1 where x = :object_id", {"object_id": BSN}, ()),
    "ActieVersie": VERSION,
    "VersionRows": VERSION.rows(),
    "Append": Append(VERSION.rows()),
    "Found": Found([VERSION.rows()], 1),
    "VerwerkingsactieIn": VerwerkingsactieIn.model_validate_json(wire_form(ACTIE), context=CONTEXT),
    "InzageQuestion": QUESTION,
    "Cursor": Cursor(
        made=0, question=b"", page_size=1, position=Position(horizon=1, count=1, place=None), asked=QUESTION.model_dump(warnings=False)
    ),
    "Client": Client(name="app", secret=SECRET, scopes=frozenset({Scope.READ_NORMAL})),
    "Key": Key.of(1, SECRET.encode(), datetime.now(UTC), datetime.now(UTC)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OBJECTS)
def test_no_way_to_show_a_value_shows_a_person_or_a_secret(name: str, way: str) -> None:
    shown = WAYS[way](OBJECTS[name])
    assert shown
    assert [number for number in (BSN, OTHER, SECRET) if number in shown] == []


@pytest.mark.parametrize("body", [{"verwerkteObjecten": [{"objectId": BSN, "soortObjectId": 5}]}, {"afnemerId": BSN}, [BSN], BSN])
def test_what_is_wrong_with_a_body_is_said_without_its_values(body: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        VerwerkingsactieIn.model_validate(body, context=CONTEXT)
    assert BSN not in str(caught.value)


def test_an_id_still_says_which_version_it_is() -> None:
    assert str(UUID(str(VERSION.actie_id))) in repr(VERSION.rows())

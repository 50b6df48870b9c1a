"""What passes from one log to another."""

from __future__ import annotations

from verwerkingenlogging import Verwerkingsactie, VerwerktObject
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import filled, wire_form
from verwerkingenlogging.model.trace import Span


def test_an_entry_holds_the_whole_actie() -> None:
    actie = Verwerkingsactie(tijdstip="2024-04-05T14:35:42+01:00", verwerkte_objecten=(VerwerktObject(object_id="2308572"),))
    span = Span(trace_id=bytes(16), span_id=bytes(8))
    assert Entry(key="1", body=wire_form(actie)).actie == actie
    assert Entry(key="1", body=wire_form(actie), span=span).actie == filled(actie, span=span)

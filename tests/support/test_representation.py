"""However somebody looks at an object of ours, it shows no number of a person and no secret: only encoding it does, which is the product."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import pprint
import reprlib
import string
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest
import rich.console
import rich.pretty
import rich.traceback
import structlog
from _pytest._io.saferepr import saferepr

from verwerkingenlogging import Activiteit, Activiteiten, MemoryLog, Recorder, Settings, Verwerkingsactie, VerwerktObject, recording
from verwerkingenlogging.context import Context
from verwerkingenlogging.ldv.span import LdvSpan
from verwerkingenlogging.ldv.subjects import EncryptedSubjects, PseudonymousSubjects
from verwerkingenlogging.logs.api import ApiLog, ClientToken
from verwerkingenlogging.logs.outbox._storage.frames import encode, parse
from verwerkingenlogging.logs.protocol import Entry
from verwerkingenlogging.model import RegisteredVerwerkingsactie, RegisteredVerwerktObject, wire_form
from verwerkingenlogging.model.template import Template
from verwerkingenlogging.requests.caller import Callers, trust

BSN, OTHER, SECRET = "999990019", "999990342", "secret-of-more-than-thirty-two-bytes"
OIN = "00000001821002193000"
ID = UUID("5f0bef4c-f66f-4311-84a5-19e8bf359eaf")
TIJDSTIP = "2026-04-05T14:35:42Z"
OBJEKT = VerwerktObject(object_id=BSN, betrokkenheid="Aanvrager")
ACTIE = Verwerkingsactie(tijdstip=TIJDSTIP, soort_afnemer_id="BSN", afnemer_id=OTHER, verwerkte_objecten=(OBJEKT,))
REGISTERED = RegisteredVerwerkingsactie(
    url="https://log.example.nl/1",
    actie_id=ID,
    tijdstip=TIJDSTIP,
    tijdstip_registratie=TIJDSTIP,
    soort_afnemer_id="BSN",
    afnemer_id=OTHER,
    verwerkte_objecten=(RegisteredVerwerktObject(object_id=BSN, url="https://log.example.nl/2", verwerkt_object_id=ID),),
)


def recorder() -> Recorder:
    return Recorder(MemoryLog(), Settings(oin=OIN, activiteiten=Activiteiten({OIN: [Activiteit(naam="brp", id=ID)]})))


class Request:
    """One that shows its address, as Django's do."""

    def __repr__(self) -> str:
        return f"<WSGIRequest: GET '/personen/{BSN}'>"


def requested() -> Context:
    """The context of a request whose address names somebody, and whose user is asked of it."""
    callers = Callers[Request](recorder(), trusts=trust([], where="peers"), gebruiker=repr)
    return callers.context(Request(), [], "")


def first() -> Context:
    """The context of what runs inside the first actie, which knows the one around it."""
    recording_spans = recorder()
    recording_spans.wants_spans = True
    _, inside = Context(recording_spans, gebruiker=partial(repr, Request())).begin(
        Template(actie_naam="Ophalen", activiteit="brp"), (OBJEKT,)
    )
    return inside


def shown_objects() -> Iterator[tuple[str, object]]:
    yield "VerwerktObject", OBJEKT
    yield "Verwerkingsactie", ACTIE
    yield "RegisteredVerwerkingsactie", REGISTERED
    yield "acties of a log", [ACTIE, REGISTERED]
    yield "a dict of them", {"actie": ACTIE, "objecten": {OBJEKT}}
    yield "Entry", Entry(key="key", body=wire_form(ACTIE))
    yield "Frame", parse(encode([ACTIE]), 0, "segment", 0)
    yield "LdvSpan", LdvSpan(name="n", trace_id=bytes(16), span_id=bytes(8), start=0, end=0, attributes={"dpl.core.data_subject_id": BSN})
    context = requested()
    yield "Context", Context(recorder(), gebruiker=partial(repr, Request()))
    yield "the user of a request", context.gebruiker
    yield "the context inside an actie", first()
    log = MemoryLog()
    log.log([ACTIE])
    yield "MemoryLog", log
    yield "ClientToken", ClientToken("app", SECRET)
    yield "ApiLog", ApiLog("https://log.example.nl/api/v1", token=SECRET)
    yield "PseudonymousSubjects", PseudonymousSubjects(SECRET)
    yield "EncryptedSubjects", EncryptedSubjects(SECRET)


OBJECTS = dict(shown_objects())


def rich_print(thing: object) -> str:
    written = io.StringIO()
    console = rich.console.Console(file=written, width=400)
    console.print(thing)
    console.print(rich.pretty.Pretty(thing, expand_all=True))
    return written.getvalue()


def failing(thing: object) -> BaseException:
    def fail(thing: object) -> None:
        raise ValueError(thing)

    try:
        fail(thing)
    except ValueError as error:
        error.add_note(f"about {thing}")
        return error
    raise AssertionError


def rich_traceback(thing: object) -> str:
    error = failing(thing)
    shown = rich.traceback.Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, locals_max_string=10_000)
    return rich_print(shown)


def plain_traceback(thing: object) -> str:
    return "".join(traceback.TracebackException.from_exception(failing(thing), capture_locals=True).format())


def structlog_lines(thing: object) -> str:
    try:
        raise failing(thing)
    except ValueError:
        event: Any = {"event": "failed", "thing": thing, "exc_info": sys.exc_info()}
    console = structlog.dev.ConsoleRenderer(colors=False)(None, "error", dict(event))
    event = structlog.processors.dict_tracebacks(None, "error", dict(event))
    renderers = (structlog.processors.JSONRenderer(), structlog.processors.KeyValueRenderer(), structlog.processors.LogfmtRenderer())
    return str(console) + "".join(str(renderer(None, "error", dict(event))) for renderer in renderers[:2]) + repr(event)


def logged(thing: object) -> str:
    record = logging.LogRecord("name", logging.INFO, __file__, 1, "%s %r %a", (thing, thing, thing), None)
    return logging.Formatter("%(message)s %(args)s").format(record)


def validation_error(thing: object) -> str:
    class Model(pydantic.BaseModel):
        value: int

    with pytest.raises(pydantic.ValidationError) as caught:
        Model(value=thing)  # type: ignore[arg-type]  # that is what is wrong
    return str(caught.value) + repr(caught.value.errors())


def assertion(thing: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert thing == "something else"
    return str(caught.value) + str(caught.getrepr(showlocals=True))


WAYS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "f-string": lambda thing: f"{thing} {thing!r} {thing!s} {thing!a} {thing=}",
    "format": lambda thing: "{} {!r}".format(thing, thing) + "%s %r" % (thing, thing),  # noqa: UP031, UP032  # as people still write
    "string.Template": lambda thing: string.Template("$thing").substitute(thing=thing),
    "pprint": lambda thing: pprint.pformat(thing, width=20),
    "reprlib": lambda thing: reprlib.repr(thing) + reprlib.repr([thing]),
    "saferepr": saferepr,
    "json with default": lambda thing: json.dumps([thing], default=str) if not isinstance(thing, dict) else json.dumps(str(thing)),
    "rich": rich_print,
    "rich's traceback": rich_traceback,
    "a traceback with locals": plain_traceback,
    "structlog": structlog_lines,
    "logging": logged,
    "pydantic's error": validation_error,
    "a failed assertion": assertion,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OBJECTS)
def test_no_way_to_show_an_object_shows_a_person_or_a_secret(name: str, way: str) -> None:
    shown = WAYS[way](OBJECTS[name])
    assert shown
    assert [number for number in (BSN, OTHER, SECRET) if number in shown] == []


@pytest.mark.parametrize("name", ["VerwerktObject", "Verwerkingsactie", "RegisteredVerwerkingsactie"])
def test_what_is_no_persons_number_is_still_shown(name: str) -> None:
    for shown in (repr(OBJECTS[name]), rich_print(OBJECTS[name])):
        assert "***" in shown
        assert "BSN" in shown
        assert "verwerkte_objecten=()" not in shown


@pytest.mark.parametrize("name", [name for name, thing in OBJECTS.items() if not isinstance(thing, list | dict)])
def test_no_helper_for_dataclasses_takes_an_object_apart(name: str) -> None:
    thing: Any = OBJECTS[name]
    for helper in (dataclasses.asdict, dataclasses.astuple, dataclasses.fields):
        with pytest.raises(TypeError):
            helper(thing)
    if isinstance(thing, msgspec.Struct):
        with pytest.raises(TypeError):
            vars(thing)


def test_an_error_of_ours_keeps_what_was_wrong_with_a_value_and_not_the_value() -> None:
    with recording(recorder()) as context, pytest.raises(ValueError, match="object_id") as caught:
        context.begin(Template(actie_naam="Ophalen", activiteit="brp"), (VerwerktObject(object_id=BSN * 9),))
    error = caught.value
    assert BSN not in f"{error!r} {error} {error.args} {vars(error)} {error.__context__!r} {error.__cause__!r}"

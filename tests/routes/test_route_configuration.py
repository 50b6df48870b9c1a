"""What routes log, said in plain data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verwerkingenlogging import ConfigurationError, Vertrouwelijkheid
from verwerkingenlogging.annotation import annotations_of
from verwerkingenlogging.routes.configured_route import ConfiguredRoute
from verwerkingenlogging.routes.route_configuration import read_routes
from verwerkingenlogging.testing import capture

SETTING = 'settings.VERWERKINGENLOGGING["ROUTES"]'
OPHALEN = {"actie_naam": "Ophalen persoonsgegevens", "activiteit": "brp-bevraging", "objecten": "bsn"}
ZOEKEN = {"actie_naam": "Zoeken personen", "activiteit": "brp-bevraging", "gevonden": "results.bsn"}


def bsns(verhuizing: dict[str, Any]) -> list[str]:
    return [lid["bsn"] for lid in verhuizing["leden"]]


def soorten(velden: list[str]) -> list[str]:
    return velden


def found_by(result: list[str], velden: list[str]) -> list[str]:
    return result


NOT_A_FUNCTION = "text"


def one(entry: object) -> ConfiguredRoute:
    (route,) = read_routes({"GET personen:ophalen": entry}, setting=SETTING)
    return route


def ophalen(bsn: str, velden: list[str] | None = None) -> str:
    return bsn


def test_a_person_among_the_arguments_is_recorded_before_the_function_runs() -> None:
    (actie,) = one(OPHALEN).acties
    assert actie.where == f'{SETTING}["GET personen:ophalen"]'
    annotated = actie.annotate(ophalen)
    with capture() as log:
        log.be_down()
        with pytest.raises(Exception, match="down"):
            annotated("2308572")
        log.be_up()
        assert annotated(bsn="2308572") == "2308572"
    assert log.only().actie_naam == "Ophalen persoonsgegevens"
    log.assert_persons("2308572")
    assert annotations_of(annotated)[0].where == actie.where


def test_found_persons_come_from_the_path_into_the_result() -> None:
    def zoeken(naam: str) -> dict[str, Any]:
        return {"results": ({"bsn": bsn} for bsn in ("2308572", "5649587")) if naam == "Jansen" else []}

    annotated = one(ZOEKEN).acties[0].annotate(zoeken)
    with capture() as log:
        annotated("Pietersen")
        annotated("Jansen")
    log.assert_logged("Zoeken personen")
    log.assert_persons("2308572", "5649587")
    assert {objekt.betrokkenheid for objekt in log.only().verwerkte_objecten} == {"Getoond in zoekresultaat"}


def test_every_argument_of_the_annotation_can_be_given() -> None:
    entry = OPHALEN | {
        "objecten": [
            {
                "value": "bsn",
                "betrokkenheid": "Aanvrager",
                "soort_object_id": "KLANTNUMMER",
                "objecttype": "persoon",
                "soorten_gegevens": ["Adres"],
            },
            {"value": f"{__name__}:bsns", "soorten_gegevens": f"{__name__}:soorten"},
        ],
        "handeling_naam": "Intake",
        "verwerking_naam": "Huwelijk",
        "verwerking_id": "zaak.id",
        "vertrouwelijkheid": "vertrouwelijk",
        "bewaartermijn": "P5Y",
        "gegevensbron": "BRP",
        "safety": "power",
        "function": "perform_create",
    }
    (actie,) = one(entry).acties
    assert actie.arguments == ("bsn", "verhuizing", "velden", "zaak")
    assert (actie.function, actie.safety) == ("perform_create", "power")

    @actie.annotate
    def opslaan(bsn: str, verhuizing: object, velden: object, zaak: object) -> None: ...

    with capture() as log:
        opslaan("1", {"leden": [{"bsn": "2"}]}, ["Naam"], {"id": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"})
    logged = log.only()
    assert [
        (
            objekt.object_id,
            objekt.soort_object_id,
            objekt.betrokkenheid,
            [soort.soort_gegeven for soort in objekt.verwerkte_soorten_gegevens],
        )
        for objekt in logged.verwerkte_objecten
    ] == [("1", "KLANTNUMMER", "Aanvrager", ["Adres"]), ("2", "BSN", None, ["Naam"])]
    assert (logged.handeling_naam, logged.verwerking_naam, str(logged.verwerking_id), logged.bewaartermijn, logged.gegevensbron) == (
        "Intake",
        "Huwelijk",
        "5f0bef4c-f66f-4311-84a5-19e8bf359eaf",
        "P5Y",
        "BRP",
    )
    assert logged.vertrouwelijkheid is Vertrouwelijkheid.VERTROUWELIJK


def test_functions_may_stand_there_themselves_where_the_settings_are_python() -> None:
    (actie,) = one(ZOEKEN | {"gevonden": {"value": found_by, "soorten_gegevens": soorten}}).acties
    assert actie.arguments == ("velden",)
    (known,) = one(OPHALEN | {"objecten": lambda wie: wie}).acties
    assert known.arguments == ("wie",)


def test_nobody_is_said_by_an_empty_list() -> None:
    (actie,) = one(OPHALEN | {"objecten": []}).acties
    with capture() as log:
        actie.annotate(ophalen)("2308572")
    assert log.only().verwerkte_objecten == ()


def test_a_route_with_known_and_found_persons_has_two_acties() -> None:
    route = one([OPHALEN, ZOEKEN])
    assert [(actie.where, actie.template.actie_naam) for actie in route.acties] == [
        (f'{SETTING}["GET personen:ophalen"][0]', "Ophalen persoonsgegevens"),
        (f'{SETTING}["GET personen:ophalen"][1]', "Zoeken personen"),
    ]


def test_without_the_setting_there_are_none() -> None:
    assert read_routes(None, setting=SETTING) == []


def test_a_file_says_the_same_and_names_itself(tmp_path: Path) -> None:
    toml = tmp_path / "verwerkingen.toml"
    toml.write_text('["GET /x/"]\nactie_naam = "A"\nactiviteit = "b"\nobjecten = "bsn"\n\n["/static/*"]\ngeen_verwerking = "images"\n')
    first, second = read_routes(toml, setting=SETTING)
    assert (first.where, first.method, first.target) == (f'{toml}: ["GET /x/"]', "GET", "/x/")
    assert (second.geen_verwerking, second.method, second.target, second.acties) == ("images", None, "/static/*", ())
    file = tmp_path / "verwerkingen.json"
    file.write_text(json.dumps({"GET /x/": OPHALEN}))
    assert read_routes(str(file), setting=SETTING)[0].acties[0].where == f'{file}: ["GET /x/"]'
    with pytest.raises(ConfigurationError, match=r"nothing\.toml: cannot be read"):
        read_routes(tmp_path / "nothing.toml", setting=SETTING)


def test_the_most_specific_of_what_is_said_counts() -> None:
    reason = {"geen_verwerking": "nothing"}
    keys = ["*", "/admin/*", "/admin/personen/*", "GET /admin/personen/*", "admin:personen", "GET admin:personen", "other"]
    routes = read_routes(dict.fromkeys(keys, reason), setting=SETTING)
    matching = [route for route in routes if route.matches(("admin:personen", "/admin/personen/<pk>/"))]
    assert [route.key for route in sorted(matching)] == keys[:-1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (5, "must be a dict of routes, or the path of a TOML or JSON file"),
        ({5: OPHALEN}, '["5"]: a key is the name of a route or its template'),
        ({" ": OPHALEN}, "a key is the name of a route"),
        ({"x": "Ophalen"}, '["x"]: must be a table with actie_naam, activiteit'),
        ({"x": [OPHALEN, 5]}, '["x"][1]: must be a table'),
        ({"x": []}, '["x"]: says nothing; write {"geen_verwerking": "…"}'),
        ({"x": {"geen_verwerking": " "}}, '["x"].geen_verwerking: must be a reason, and stand alone'),
        ({"x": {"geen_verwerking": 5}}, "must be a reason"),
        ({"x": {"geen_verwerking": "a", "objecten": []}}, "and stand alone"),
        ({"/x/*": OPHALEN}, '["/x/*"]: * takes geen_verwerking only'),
        ({"x": OPHALEN | {"object": "bsn"}}, '["x"].object: unknown field; known are actie_naam, activiteit, bewaartermijn'),
        ({"x": {"objecten": []}}, '["x"].actie_naam is missing'),
        ({"x": {"actie_naam": "A", "objecten": []}}, '["x"].activiteit is missing'),
        ({"x": {"actie_naam": "A", "activiteit": "b"}}, '["x"]: say objecten, the persons known beforehand'),
        ({"x": OPHALEN | ZOEKEN}, "make it a list of two"),
        ({"x": OPHALEN | {"actie_naam": 5}}, '["x"].actie_naam: must be text'),
        ({"x": OPHALEN | {"actie_naam": "A" * 243}}, '["x"].actie_naam: must have at most 242 characters'),
        ({"x": OPHALEN | {"bewaartermijn": "ten years"}}, '["x"].bewaartermijn: '),
        ({"x": OPHALEN | {"vertrouwelijkheid": "opgeheven"}}, '["x"].vertrouwelijkheid: a new actie is'),
        ({"x": OPHALEN | {"vertrouwelijkheid": "geheim"}}, '["x"].vertrouwelijkheid: must be "normaal" or "vertrouwelijk"'),
        ({"x": OPHALEN | {"safety": "none"}}, '["x"].safety: must be "process" or "power"'),
        ({"x": OPHALEN | {"objecten": 5}}, '["x"].objecten.value: must be text'),
        ({"x": OPHALEN | {"objecten": "request..bsn"}}, '["x"].objecten.value: must be a path such as "bsn"'),
        ({"x": OPHALEN | {"objecten": {"betrokkenheid": "A"}}}, '["x"].objecten.value is missing: the path to the ids'),
        ({"x": OPHALEN | {"objecten": {"values": "bsn"}}}, '["x"].objecten.values: unknown field; known are betrokkenheid'),
        ({"x": OPHALEN | {"objecten": {"value": "bsn", "betrokkenheid": 5}}}, '["x"].objecten.betrokkenheid: must be text'),
        ({"x": OPHALEN | {"objecten": {"value": "bsn", "objecttype": "Zaak"}}}, '["x"].objecten.soort_object_id is missing'),
        (
            {"x": OPHALEN | {"objecten": {"value": "bsn", "objecttype": "Zaak", "soort_object_id": "URL"}}},
            '["x"].objecttype: ',
        ),
        (
            {"x": OPHALEN | {"objecten": {"value": "bsn", "soorten_gegevens": [5]}}},
            '["x"].objecten.soorten_gegevens: must be a list of names',
        ),
        ({"x": OPHALEN | {"objecten": {"value": "bsn", "soorten_gegevens": max}}}, '["x"].objecten.soorten_gegevens: the signature'),
        ({"x": OPHALEN | {"objecten": max}}, '["x"].objecten.value: the signature of this function cannot be read'),
        ({"x": OPHALEN | {"objecten": "builtins:max"}}, '["x"].objecten.value: the signature of this function cannot be read'),
        ({"x": OPHALEN | {"objecten": "no_such_module:f"}}, '["x"].objecten.value: no_such_module:f: cannot be loaded'),
        ({"x": OPHALEN | {"objecten": ":f"}}, "cannot be loaded"),
        ({"x": OPHALEN | {"objecten": f"{__name__}:nothing"}}, "write it as module:function"),
        ({"x": OPHALEN | {"objecten": f"{__name__}:NOT_A_FUNCTION"}}, "is not a function"),
        ({"x": OPHALEN | {"verwerking_id": 5}}, '["x"].verwerking_id: must be text'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_routes(source, setting=SETTING)
    assert str(raised.value).startswith(SETTING)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (OPHALEN | {"objecten": "nummer"}, 'names the argument "nummer", which the function lacks; it has bsn, velden'),
        (ZOEKEN | {"gevonden": lambda: []}, "must take the result as its first parameter"),
    ],
)
def test_a_function_that_lacks_an_argument_is_refused(entry: object, message: str) -> None:
    (actie,) = one(entry).acties
    with pytest.raises(ConfigurationError) as raised:
        actie.annotate(ophalen)
    assert str(raised.value).startswith(actie.where)
    assert message in str(raised.value)

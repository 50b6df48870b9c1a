"""JSON in which a name occurs twice, for all that read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verwerkingenlogging import Activiteiten, ConfigurationError, InvalidValue
from verwerkingenlogging.ldv import LdvSpan, actie_of
from verwerkingenlogging.ldv import attributes as names
from verwerkingenlogging.support import strict_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_has_no_name_twice_is_read_as_json_reads_it(document: Any) -> None:
    assert strict_json.read(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"a":1,"a":2}', [("a",)]),
        ('{"a":1,"a":1}', [("a",)]),
        ('{"a":1,"\\u0061":2}', [("a",)]),
        ('{"":1,"":2}', [("",)]),
        ('[{"x":[{"b":1,"c":2,"b":3,"c":4,"b":5}]}]', [(0, "x", 0, "b"), (0, "x", 0, "c")]),
        ('{"a":{"b":1,"b":2},"a":{"b":1,"b":2}}', [("a",)]),
        ('{"a":{"b":1,"b":2},"c":{"d":1,"d":2}}', [("a", "b"), ("c", "d")]),
    ],
)
def test_a_name_that_occurs_twice_is_refused_with_its_place(text: str, places: list[tuple[str | int, ...]]) -> None:
    with pytest.raises(strict_json.DoubledNames) as raised:
        strict_json.read(text)
    assert list(raised.value.places) == places
    assert raised.value.document == json.loads(text)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"a":NaN}', b"[Infinity]", b"\xef\xbb\xbf{}", b"[" * 100_000, b"9" * 5_000, b"{} {}"]
)
def test_what_is_no_json_is_a_value_error_and_nothing_else(text: bytes) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # that is the contract
        strict_json.read(text)
    assert not isinstance(raised.value, strict_json.DoubledNames)


def test_where_very_many_names_are_doubled_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "DOUBLED_MAX", 2)
    with pytest.raises(strict_json.DoubledNames) as raised:
        strict_json.read(json.dumps([None] * 3).replace("null", '{"a":1,"a":2}'))
    assert raised.value.places == ((),)
    assert raised.value.document is None


def test_activiteiten_with_one_name_twice_are_no_configuration(tmp_path: Path) -> None:
    one, other = ('{"id": "5f0bef4c-f66f-4311-84a5-19e8bf359eaf"}', '{"id": "c63bc08f-071d-4dff-aaff-c40525ca4244"}')
    path = tmp_path / "activiteiten.json"
    path.write_text(f'{{"00000001821002193000": {{"huwelijk": {one}, "huwelijk": {other}}}}}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="one name twice"):
        Activiteiten.from_file(path)


def test_an_object_in_a_span_that_has_one_name_twice_is_refused() -> None:
    several = ('{"objectId":"999990019","objectId":"999990032","soortObjectId":"BSN","objecttype":"persoon"}',)
    span = LdvSpan(
        name="x", trace_id=b"1" * 16, span_id=b"1" * 8, parent_span_id=None, start=1, end=2, resource={}, attributes={names.OBJECTEN: several}
    )  # fmt: skip
    with pytest.raises(InvalidValue, match="verwerkte objecten"):
        actie_of(span)

"""Finds the acties that are past their term without looking at others: by activiteit, term and tijdstip (X30, X31).

What a term is past is decided by these three and the terms of the organisation. So each pair of activiteit and bewaartermijn that
occurs is a range of the index ``verwerkingsactie_term``, from its oldest tijdstip until the ``cutoff``. Nothing of it is kept
beside the acties: when the organisation changes its terms, there is nothing to be made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, Select, bindparam, literal_column, select, tuple_

from verwerkingenlogging_register._model.tables import successor, verwerkingsactie
from verwerkingenlogging_register._retention.cutoffs import cutoff, is_over, registered_before
from verwerkingenlogging_register._rules.terms import Terms

__all__ = ["AT_ONCE", "Candidate", "Group", "candidates", "groups"]

AT_ONCE = 1000
"""Versions looked at in one question, and so most acties in one transaction of the purge: it holds the write lock."""

_actie = verwerkingsactie.c
_IN_ORDER = (_actie.verwerkingsactiviteit_id, _actie.bewaartermijn, _actie.tijdstip_instant)


@dataclass(frozen=True, slots=True)
class Group:
    """The versions with the same verwerkingsactiviteit and bewaartermijn, either of which may be absent.

    Attributes:
        oldest: the earliest instant of a tijdstip among them.
    """

    activiteit: str | None
    bewaartermijn: str | None
    oldest: int

    def ends(self, terms: Terms) -> list[str]:
        """The terms that end them, whichever is over first: their own or the organisation's, and the maximum."""
        known = (terms.of(self.bewaartermijn, self.activiteit), terms.ceiling(self.activiteit))
        return [term for term in known if term is not None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An actie whose newest version seen so far is past its term.

    Attributes:
        versie: the number of that version.
        tijdstip_instant: its tijdstip.
        floor: the minimum for its activiteit, counted from its first version; None when there is none.
    """

    versie: int
    tijdstip_instant: int
    floor: str | None


def groups(connection: Connection) -> Iterator[Group]:
    """Every pair of activiteit and bewaartermijn that occurs. Each costs one look into the index, however many versions it has."""
    for activiteit in (None, *_each(connection, _actie.verwerkingsactiviteit_id, [])):
        of_activiteit = _is(_actie.verwerkingsactiviteit_id, activiteit)
        for bewaartermijn in (None, *_each(connection, _actie.bewaartermijn, [of_activiteit])):
            one = [of_activiteit, _is(_actie.bewaartermijn, bewaartermijn)]
            oldest = connection.execute(_first(_actie.tijdstip_instant, one)).scalar()
            if oldest is not None:
                yield Group(activiteit, bewaartermijn, oldest)


def _each(connection: Connection, column: Column[Any], where: Sequence[ColumnElement[bool]]) -> Iterator[str]:
    """The values of ``column`` in their order, each found behind the one before."""
    found = connection.execute(_first(column, [*where, column.is_not(None)])).scalar()
    while found is not None:
        yield found
        found = connection.execute(_first(column, [*where, column > found])).scalar()


def _first(column: Column[Any], where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return select(column).where(*where).order_by(*_IN_ORDER).limit(literal_column("1"))


def _is(column: Column[Any], value: str | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


_has_successor = successor.c.actie_id == _actie.actie_id
_NEXT = (
    select(
        *verwerkingsactie.c["versie", "actie_id", "tijdstip", "tijdstip_instant", "registratie_instant"],
        select(successor.c.versie).where(_has_successor).exists().label("corrected"),
        select(successor.c.versie).where(_has_successor, successor.c.versie > _actie.versie).exists().label("succeeded"),
    )
    .where(
        _actie.tijdstip_instant < bindparam("until"),
        # The first says the same as the second, in a way by which PostgreSQL leaves months out.
        _actie.tijdstip_instant >= bindparam("since"),
        tuple_(_actie.tijdstip_instant, _actie.versie) > tuple_(bindparam("since"), bindparam("after")),
    )
    .order_by(*_IN_ORDER, _actie.versie)
)


def candidates(
    reader: Engine, group: Group, terms: Terms, now: datetime, looked_at: Callable[[int], None]
) -> Iterator[dict[str, Candidate]]:
    """The acties of a group that may be removed at ``now``, by actieId, in batches; ``looked_at`` gets the number of versions.

    In between there is no transaction. Raises InvalidValue when the group has a bewaartermijn that is none.
    """
    ends = group.ends(terms)
    bounds = [bound for term in ends if (bound := cutoff(term, now)) is not None]
    until, since, after = max(bounds, default=group.oldest), group.oldest, -1
    floor = terms.floor(group.activiteit)
    of_group = _NEXT.where(_is(_actie.verwerkingsactiviteit_id, group.activiteit), _is(_actie.bewaartermijn, group.bewaartermijn))
    of_group = of_group.limit(literal_column(str(AT_ONCE)))  # written out: PostgreSQL plans for few rows, and so by the index
    while since < until:
        with reader.begin() as connection:
            rows = connection.execute(of_group, {"since": since, "after": after, "until": until}).all()
        found = {
            row.actie_id: Candidate(row.versie, row.tijdstip_instant, floor)
            for row in rows
            if not row.succeeded
            and any(is_over(row.tijdstip, term, now) for term in ends)
            # Of one that was corrected, the first version says when the minimum is over.
            and (floor is None or row.corrected or registered_before(row.registratie_instant, floor, now))
        }
        looked_at(len(rows))
        yield found
        if len(rows) < AT_ONCE:
            return
        since, after = rows[-1].tijdstip_instant, rows[-1].versie

"""The conditions of a search as SQL, for each shape of question, of which there are few.

The text is made of our own names; what a client says is a parameter.
"""

# ruff: noqa: S608  # the text is made of our own names; what a client says is a parameter

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OF_VERSIE", "Shape"]

OF_VERSIE = "actie.versie = verwerkt.versie AND actie.tijdstip_instant = verwerkt.tijdstip_instant"


class Shape(NamedTuple):
    """The shape of a question: what the text of its SQL depends on, such as how many values it has.

    Attributes:
        postgresql: which of the two databases is asked.
        pseudonyms: how many the persoon has.
        visible: how many values of vertrouwelijkheid the reader may see.
        former: he may also see what is normaal now and once was not.
        activiteit: the verwerkingsactiviteit is given.
        verwerking: the column of the verwerking that is given; empty when none is.
        horizon: the acties are asked for as they were then.
        placed: those from a place on, and none that come before it.
        backward: in the opposite order, from that place back.
        named: only those versions that are given.
    """

    postgresql: bool
    pseudonyms: int
    visible: int
    former: bool
    activiteit: bool
    verwerking: str
    horizon: bool = False
    placed: bool = False
    backward: bool = False
    named: bool = False

    def given(self, name: str) -> str:
        """The parameter of that name."""
        return f"%({name})s" if self.postgresql else f":{name}"

    @property
    def in_order(self) -> str:
        """The order of the results: by instant, whatever the offset (D5)."""
        if self.backward:
            return "actie.tijdstip_instant, actie.registratie_instant, actie.actie_id DESC"
        return "actie.tijdstip_instant DESC, actie.registratie_instant DESC, actie.actie_id"

    @property
    def page(self) -> str:
        """The part of the result that is asked for."""
        return f"LIMIT {self.given('limit')} OFFSET {self.given('offset')}"

    def of_persoon(self) -> str:
        """The condition on occurrences: of the persoon, who has a pseudonym under each key (B2042), in the period."""
        named = f" AND verwerkt.versie IN ({self._named()})" if self.named else ""
        return f"verwerkt.pseudonym IN ({self._each('pseudonym', self.pseudonyms)}) AND {self._in_period('verwerkt')}{named}"

    def asked_for(self) -> str:
        """The condition on acties: newest versions that the reader may see and that match the question."""
        conditions = [self._newest(), f"actie.vertrouwelijkheid IN ({self._each('visible', self.visible)})"]
        if not self.former:
            conditions.append("(actie.vertrouwelijkheid <> 'normaal' OR NOT actie.ooit_vertrouwelijk)")
        if self.activiteit:
            conditions.append(f"actie.verwerkingsactiviteit_id = {self.given('activiteit')}")
        if self.verwerking:
            conditions.append(f"actie.{self.verwerking} = {self.given('verwerking')}")
        if self.placed:
            conditions.append(self._from_place())
        if self.named:
            conditions.append(f"actie.versie IN ({self._named()})")
        return " AND ".join([*conditions, self._in_period("actie")])

    def occurrences(self) -> str:
        """All occurrences of the persoon, each with its actie, and the conditions on them."""
        if self.postgresql:
            return f"FROM verwerkt_object AS verwerkt, {self.looked_up()} WHERE {self.of_persoon()}"
        return (
            f"FROM verwerkt_object AS verwerkt, verwerkingsactie AS actie WHERE {self.of_persoon()} AND {OF_VERSIE} AND {self.asked_for()}"
        )

    def looked_up(self) -> str:
        """The actie of each occurrence, as a lookup for each.

        PostgreSQL would rather scan all months than look into one for each: it cannot know beforehand which one that is. The
        OFFSET keeps it from taking the look-ups together.
        """
        return f"LATERAL (SELECT * FROM verwerkingsactie AS actie WHERE {OF_VERSIE} AND {self.asked_for()} OFFSET 0) AS actie"

    def corrected(self) -> str:
        """The version that an actie has got since the first page; null when there is none."""
        return f"(SELECT max(versie) FROM successor WHERE successor.actie_id = actie.actie_id AND versie > {self.given('horizon')})"

    def _newest(self) -> str:
        """Holds for the newest version of each actie; with a horizon, for the one that was the newest then."""
        later = "successor.actie_id = actie.actie_id AND successor.versie > actie.versie"
        if not self.horizon:
            return f"NOT actie.vervallen AND NOT EXISTS (SELECT 1 FROM successor WHERE {later})"
        then = self.given("horizon")
        return (
            f"NOT actie.vervallen AND actie.versie <= {then} "
            f"AND NOT EXISTS (SELECT 1 FROM successor WHERE {later} AND successor.versie <= {then})"
        )

    def _from_place(self) -> str:
        """Holds for the actie at the place and all that come after it; backward, before it."""
        earlier, upward = (">", "<=") if self.backward else ("<", ">=")
        instant, registratie, actie_id = [self.given(f"place_{number}") for number in range(3)]
        return (
            f"(actie.tijdstip_instant {earlier} {instant} OR (actie.tijdstip_instant = {instant} AND "
            f"(actie.registratie_instant {earlier} {registratie} OR (actie.registratie_instant = {registratie} AND "
            f"actie.actie_id {upward} {actie_id}))))"
        )

    def _named(self) -> str:
        versies = self.given("versies")
        return f"SELECT unnest({versies}::BIGINT[])" if self.postgresql else f"SELECT value FROM json_each({versies})"

    def _in_period(self, table: str) -> str:
        """Stands in each statement: with it, PostgreSQL finds looking up cheaper than scanning also where there is little."""
        return f"{table}.tijdstip_instant >= {self.given('begin')} AND {table}.tijdstip_instant < {self.given('end')}"

    def _each(self, name: str, count: int) -> str:
        return ", ".join([self.given(f"{name}_{number}") for number in range(count)])

"""``reading`` and ``changing``: they decide in which transaction ``DjangoLog`` writes its records.

A record of a change belongs to the change: both commit, or neither does. A record of reading must stay whatever happens to the
transaction around it, for what was read was read. A request with a safe method reads, all other code changes, unless told otherwise::

    @reading  # a POST that only searches
    @verwerkingsactie("Zoeken personen", activiteit="brp-bevraging", objecten=gevonden(…))
    def zoek(request): ...

    with changing(using="archief"):  # transactions are open on several databases
        log_actie("Archiveren persoonsgegevens", objecten=[bsn])

It must stand around what records: above ``@verwerkingsactie``, not below it.
"""

from __future__ import annotations

from verwerkingenlogging_django._transaction_mode import changing, reading

__all__ = ["changing", "reading"]

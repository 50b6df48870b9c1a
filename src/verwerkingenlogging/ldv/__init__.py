"""The wire of Logboek Dataverwerkingen 1.0.0: a verwerkingsactie as the spans of a trace, and back.

Pure functions on neutral spans; nothing here imports OpenTelemetry, so that who sends and who receives say the same.

- **One span carries the whole actie**, under its own ``span_id``. That span alone gives the actie back, so a Collector may batch,
  split, reorder and send again as it likes, and a receiver keeps no state: it is idempotent on (trace_id, span_id).
- An actie about nobody or one person is that one span. An actie about several is that span, which then names no
  ``data_subject_id``, and a *part* per person: a child span with its own ``span_id``, for who looks for a person (LDV A4). A
  part repeats what the actie says, and has ``dpl.gemma.object_index``; a receiver of acties leaves parts alone.
- What LDV has a place for stands there; the rest stands under ``dpl.gemma.``, a local extension of LDV core. *Strict* leaves out
  what LDV keeps out of its records: gebruiker, vertrouwelijkheid, bewaartermijn.
- Identifiers of persons are written by ``subjects``.

The table of attributes, with what each is for: docs/reference/ldv.md.
"""

from verwerkingenlogging.ldv.names import CORE, GEMMA
from verwerkingenlogging.ldv.reading import actie_of, is_ldv, is_part, key_of
from verwerkingenlogging.ldv.span import LdvSpan, Status
from verwerkingenlogging.ldv.writing import spans_of

__all__ = ["CORE", "GEMMA", "LdvSpan", "Status", "actie_of", "is_ldv", "is_part", "key_of", "spans_of"]

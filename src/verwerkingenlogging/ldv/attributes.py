"""The attributes on this wire, each named once. docs/reference/ldv.md says what they are for, and a test holds it to this."""

from __future__ import annotations

CORE = "dpl.core."
"""What LDV 1.0.0 defines."""
GEMMA = "dpl.gemma."
"""Our own extension: what GEMMA's verwerkingsactie has, and LDV has not."""

ACTIVITEIT = CORE + "processing_activity_id"
SUBJECT = CORE + "data_subject_id"
SUBJECT_TYPE = CORE + "data_subject_id_type"
PROCESSOR = CORE + "foreign_operation.processor"

TIJDSTIP = GEMMA + "tijdstip"
OBJECTEN = GEMMA + "verwerkte_objecten"
OBJECT_INDEX = GEMMA + "object_index"
OBJECT_ID = GEMMA + "object_id"
SOORT_OBJECT_ID = GEMMA + "soort_object_id"
OBJECTTYPE = GEMMA + "objecttype"
BETROKKENHEID = GEMMA + "betrokkenheid"
SOORTEN_GEGEVENS = GEMMA + "soorten_gegevens"
WITHOUT_NAME = GEMMA + "zonder_naam"
ACTIVITEIT_ID = GEMMA + "verwerkingsactiviteit_id"
ACTIVITEIT_URL = GEMMA + "verwerkingsactiviteit_url"
AFNEMER_ID = GEMMA + "afnemer_id"
SOORT_AFNEMER_ID = GEMMA + "soort_afnemer_id"

SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"

TEXTS = (
    "handeling_naam",
    "verwerking_naam",
    "vertrouwelijkheid",
    "bewaartermijn",
    "uitvoerder",
    "systeem",
    "gebruiker",
    "gegevensbron",
    "soort_afnemer_id",
    "verwerkingsactiviteit_url_afnemer",
)
UUIDS = ("verwerking_id", "verwerkingsactiviteit_id_afnemer", "verwerking_id_afnemer")
NOT_IN_STRICT = frozenset({"gebruiker", "vertrouwelijkheid", "bewaartermijn"})

URN = "urn:uuid:"
"""How an activiteit without an address is named in a URI."""

"""The wire of Logboek Dataverwerkingen 1.0.0: a verwerkingsactie as the spans of a trace, and back. Pure functions on neutral spans.

Import what is here; ``ldv.subjects`` has all ways to write a person. What each attribute is for: docs/reference/ldv.md.
It imports ``configuration.secret_files``, ``model``, ``support`` and ``errors``, and not OpenTelemetry: sender and receiver say the same.
"""

from verwerkingenlogging.ldv._decoder import actie_of, is_ldv, is_part, key_of
from verwerkingenlogging.ldv._encoder import spans_of
from verwerkingenlogging.ldv.attributes import CORE, GEMMA
from verwerkingenlogging.ldv.span import LdvSpan, Status
from verwerkingenlogging.ldv.subjects import subjects_from_env

__all__ = ["CORE", "GEMMA", "LdvSpan", "Status", "actie_of", "is_ldv", "is_part", "key_of", "spans_of", "subjects_from_env"]

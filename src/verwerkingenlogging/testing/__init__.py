"""For the tests of an application: what it logged, and what it does when the log fails.

Import what is here. The fixture ``verwerkingenlog`` of pytest is made of it.
It imports ``context``, ``recorder``, ``logs``, ``configuration``, ``model`` and ``errors``.
"""

from verwerkingenlogging.testing._capture import AnyActiviteiten, CapturedLog, capture
from verwerkingenlogging.testing._table import table, told

__all__ = ["AnyActiviteiten", "CapturedLog", "capture", "table", "told"]

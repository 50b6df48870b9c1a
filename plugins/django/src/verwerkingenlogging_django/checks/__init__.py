"""The system checks of ``manage.py check``.

All of them make the log, as the server does: run ``manage.py`` as the user that the server runs as. Import ``TAG`` and ``register_checks``.
It imports all rooms but ``admin``, ``management`` and ``apps``.
"""

from __future__ import annotations

from verwerkingenlogging_django.checks._registration import TAG, register_checks

__all__ = ["TAG", "register_checks"]

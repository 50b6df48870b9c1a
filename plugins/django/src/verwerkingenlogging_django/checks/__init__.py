"""What ``manage.py check`` says of verwerkingenlogging."""

from __future__ import annotations

from verwerkingenlogging_django.checks._registration import TAG, register_checks

__all__ = ["TAG", "register_checks"]

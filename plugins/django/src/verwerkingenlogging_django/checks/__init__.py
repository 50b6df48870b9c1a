"""What ``manage.py check`` says of verwerkingenlogging."""

from __future__ import annotations

from verwerkingenlogging_django.checks._checks import TAG, register_checks

__all__ = ["TAG", "register_checks"]

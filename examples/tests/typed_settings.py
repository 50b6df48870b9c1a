"""The settings by which mypy knows every Django model here: those of the plugin's tests, and of burgerzaken. Nothing runs with them."""

from plugins.django.tests.settings import INSTALLED_APPS as OF_PLUGIN

from burgerzaken.settings import *  # noqa: F403
from burgerzaken.settings import INSTALLED_APPS as OF_BURGERZAKEN

INSTALLED_APPS = list(dict.fromkeys([*OF_PLUGIN, *OF_BURGERZAKEN]))

"""What an admin says of itself: whose data its objects are, and how the acties are called that it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings
from django.db.models import Model
from django.utils import translation

from verwerkingenlogging.context import current
from verwerkingenlogging.errors import ConfigurationError, InvalidValue, NotRecorded
from verwerkingenlogging.model.template import Template
from verwerkingenlogging_django.admin._acties import Acties, failure_remembered
from verwerkingenlogging_django.admin._project_pages.notes import Whose, nobody, whose
from verwerkingenlogging_django.admin._project_pages.views import (
    VIEWS,
    declare_view,
)

__all__ = ["AdminDeclaration"]

_View = Callable[..., Any]


class AdminDeclaration:
    """What the attributes of ``admin`` say, read and checked when it is made.

    Attributes:
        where: its class, for messages.
        problem: what keeps it from recording anything, and so its pages from being shown; None when all is well.
        whose: whose data an object of its model is.
    """

    def __init__(self, admin: Any) -> None:
        self.admin = admin
        self.where = f"{type(admin).__module__}.{type(admin).__qualname__}"
        self.problem: str | None = None
        self.whose: Whose = nobody
        self._said: dict[str, _View] = {}
        try:
            self.whose = self._read()
        except ConfigurationError as error:
            self.problem = str(error)
        except InvalidValue as error:
            self.problem = f"{self.where}: {error}"

    def _read(self) -> Whose:
        admin = self.admin
        if not admin.verwerkingsactie_activiteit:
            raise ConfigurationError(f"{self.where}: verwerkingsactie_activiteit is missing; name the verwerkingsactiviteit of this admin")
        if admin.verwerkingsactie_objecten is None:
            raise ConfigurationError(f'{self.where}: verwerkingsactie_objecten is missing; say whose data an object is: persoon("bsn")')
        persons = whose(admin.verwerkingsactie_objecten, where=f"{self.where}.verwerkingsactie_objecten")
        self._acties(max((doing for both in VIEWS.values() for doing in both), key=len))
        self._said = {name: declare_view(admin, name, said, where=self.where) for name, said in admin.verwerkingsactie_views.items()}
        return persons

    def whose_of(self, model: Any) -> Whose | None:
        """Whose data the objects of a model hold, as its own admin says; None when no admin says it."""
        if issubclass(model, self.admin.model):
            return self.whose
        site = self.admin.admin_site
        found = site._registry.get(model)
        recorder = getattr(found, "verwerkingsactie", None)
        return recorder.whose if isinstance(recorder, AdminDeclaration) else None

    def whose_inline(self, inline: Any) -> Whose:
        """Whose data the objects of an inline hold. Raises ConfigurationError when its attribute is wrong."""
        said = getattr(inline, "verwerkingsactie_objecten", None)
        if said is None:
            return self.whose_of(inline.model) or nobody
        return whose(said, where=f"{type(inline).__module__}.{type(inline).__qualname__}.verwerkingsactie_objecten")

    def _whose(self, instance: Model) -> Whose:
        return self.whose_of(instance._meta.model) or nobody

    def _acties(self, doing: str) -> Acties:
        """The acties called after what is done: ``Ophalen`` of these objects."""
        with translation.override(settings.LANGUAGE_CODE):
            return self._acties_called(f"{doing} {self.admin.verwerkingsactie_gegevens or self.admin.opts.verbose_name_plural}")

    def _acties_called(self, name: str) -> Acties:
        template = Template(
            actie_naam=name,
            activiteit=self.admin.verwerkingsactie_activiteit,
            vertrouwelijkheid=self.admin.verwerkingsactie_vertrouwelijkheid,
            bewaartermijn=self.admin.verwerkingsactie_bewaartermijn,
        )
        return Acties(template, where=self.where)

    @failure_remembered()
    def _refuse(self) -> NoReturn:
        raise NotRecorded(f"{self.problem}")

    def _record(self, acties: Acties, begun: Any, instances: Any, *, found: bool = False) -> None:
        persons = dict.fromkeys(objekt for one in instances for objekt in self._whose(one)(one))
        acties.record(current(), begun, tuple(persons), found=found)

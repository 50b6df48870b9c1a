"""The mixin for the admin of a project: it records whose data somebody looked at, added, changed or deleted.

::

    @admin.register(Persoon)
    class PersoonAdmin(VerwerkingsactieAdminMixin, admin.ModelAdmin):
        verwerkingsactie_activiteit = "brp-registratie"
        verwerkingsactie_objecten = persoon("bsn")

What a page shows is recorded before the first byte of it leaves, what it changes in the transaction of the change. An action on what
is selected is recorded before it runs, in one transaction with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import django
from django.contrib import admin
from django.core.checks import CheckMessage
from django.db.models import Model
from django.http import HttpRequest

from verwerkingenlogging.calls.objecten import Objecten
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.model import Vertrouwelijkheid
from verwerkingenlogging_django.admin._project_pages.checks import problems_of
from verwerkingenlogging_django.admin._project_pages.hooks import Unnamed, without_names
from verwerkingenlogging_django.admin._project_pages.recorder import AdminRecorder

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

__all__ = ["VerwerkingsactieAdminMixin"]


class VerwerkingsactieAdminMixin(_Base):
    """Records whose data a ModelAdmin shows and changes. Put it before ``ModelAdmin`` among the bases of a class.

    It stands around whatever the class makes of its views and hooks, so one that is overridden without ``super()`` is recorded
    too. Views that a class or a package adds to ``get_urls`` are annotated, or said in ``verwerkingsactie_views``. In the admin's own
    log stands ``persoon 17`` where Django would write the text of the object, for good and on the first page.

    A page or a change that cannot be recorded raises NotRecorded: it is not shown, or undone. While an attribute is missing or
    wrong that is every page; the system check says what to mend.

    Attributes:
        verwerkingsactie_activiteit: name of the verwerkingsactiviteit, as the file of activiteiten has it.
        verwerkingsactie_objecten: whose data an object is: ``persoon("bsn")``, ``persoon("aanvrager.bsn", betrokkenheid="Aanvrager")``,
            ``persoon(lambda zaak: [b.bsn for b in zaak.betrokkenen.all()])``, or several. An inline has this attribute too:
            ``()`` where all that it shows is of the persons of the page.
        verwerkingsactie_gegevens: what the acties are called after, ``persoonsgegevens`` in ``Ophalen persoonsgegevens``; the plural
            name of the model when it is empty.
        verwerkingsactie_vertrouwelijkheid: ``Vertrouwelijkheid.VERTROUWELIJK`` when all that is done here is confidential.
        verwerkingsactie_views: what other views in ``get_urls`` do, by the name of their method: ``verwerkingsactie(…)``,
            ``geen_verwerking(…)``, or the name of an annotated method by which they record. One that says nothing is refused.
        verwerkingsactie_bewaartermijn: how long the records are kept (B9559).
    """

    verwerkingsactie_activiteit: ClassVar[str] = ""
    verwerkingsactie_objecten: ClassVar[Objecten | Iterable[Objecten] | None] = None
    verwerkingsactie_gegevens: ClassVar[str] = ""
    verwerkingsactie_vertrouwelijkheid: ClassVar[Vertrouwelijkheid | None] = None
    verwerkingsactie_bewaartermijn: ClassVar[str | None] = None
    verwerkingsactie_views: ClassVar[Mapping[str, Callable[..., Any] | str]] = MappingProxyType({})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = cls.__mro__
        if admin.ModelAdmin in bases and bases.index(admin.ModelAdmin) < bases.index(VerwerkingsactieAdminMixin):
            raise ConfigurationError(f"{cls.__module__}.{cls.__qualname__}: put VerwerkingsactieAdminMixin before ModelAdmin")

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self.verwerkingsactie = AdminRecorder(self)
        self.verwerkingsactie.stand_around()

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Django's own checks, and whether the class says what to record."""
        return [*super().check(**kwargs), *problems_of(self, self.verwerkingsactie)]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write to the admin's own history, without the text of the object."""
        return super().log_addition(request, Unnamed(obj), message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The same."""
        return super().log_change(request, Unnamed(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The same."""
        return super().log_deletions(request, [Unnamed(obj) for obj in queryset])  # type: ignore[arg-type]  # as above

    if django.VERSION < (5, 1):  # pragma: no cover  # .ci/lowest has it; since then Django warns of one that is there

        def log_deletion(self, request: HttpRequest, obj: Any, object_repr: str) -> Any:
            """The same."""
            return super().log_deletion(request, obj, str(Unnamed(obj)))  # type: ignore[misc]  # of Django 4.2

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The same, for the objects of inlines."""
        return without_names(super().construct_change_message(request, form, formsets, add))

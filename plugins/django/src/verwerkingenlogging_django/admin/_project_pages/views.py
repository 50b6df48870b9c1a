"""The views of an admin: those that this library knows, and those that must say what they do.

Whatever a class or a package adds to ``get_urls`` shows or changes objects of the same model. Of such a view nothing is seen, so it is
refused until it says what it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, NoReturn

from django.contrib.admin.utils import unquote
from django.urls import URLPattern

from verwerkingenlogging.annotation import Annotation, annotations_of, marked
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging_django._routes.annotations import declared_in_code
from verwerkingenlogging_django._routes.endpoints import of_pattern
from verwerkingenlogging_django._routes.introspection import OF_ADMIN, wrapper_chain
from verwerkingenlogging_django._transaction_mode import is_safe

__all__ = ["EXPORT", "OF_ONE", "OF_VERSIONS", "VIEWS", "declare_view", "object_id_in", "refuse_silent_views", "silent_views", "versions_of"]

_View = Callable[..., Any]

VIEWS = {
    "changelist_view": ("Zoeken", "Wijzigen"),
    "add_view": ("Ophalen", "Toevoegen"),
    "change_view": ("Ophalen", "Wijzigen"),
    "delete_view": ("Ophalen", "Verwijderen"),
    "history_view": ("Ophalen geschiedenis", "Wijzigen"),
    "user_change_password": ("Ophalen", "Wijzigen"),  # of Django's UserAdmin
    "history_form_view": ("Ophalen oude versie", "Wijzigen"),  # of django-simple-history
    "revision_view": ("Ophalen oude versie", "Wijzigen"),  # of django-reversion
    "recover_view": ("Ophalen oude versie", "Toevoegen"),  # the same
}
"""What each view does with objects: when it shows them, and when it changes them. They all come by the admin's own hooks."""
OF_VERSIONS = frozenset({"history_view", "history_form_view", "revision_view"})
OF_ONE = frozenset(VIEWS) - {"changelist_view", "add_view"}
EXPORT = "export_action"
"""The view of django-import-export that gives a file; it does so by ``get_export_data``."""


def declare_view(admin: Any, name: str, said: _View | str, *, where: str) -> _View:
    """The view ``name`` of ``admin``, saying what ``said`` says: an annotation, or the name of the annotated method by which it records.

    Raises ConfigurationError when it is neither, or there is no such view.
    """
    where = f'{where}.verwerkingsactie_views["{name}"]'
    view = getattr(admin, name, None)
    if not callable(view):
        raise ConfigurationError(f"{where}: the class has no such view")

    @wraps(view)
    def plain(*args: Any, **kwargs: Any) -> Any:
        __traceback_hide__ = True  # what shows local variables, Django's debug page and Sentry, passes over this frame
        return view(*args, **kwargs)

    if isinstance(said, str):
        return marked(plain, *_annotated(getattr(admin, said, None), said, where))
    if not callable(said):
        raise ConfigurationError(f"{where}: give it @verwerkingsactie(…) or @geen_verwerking(…), or the name of an annotated method")
    return said(plain)  # type: ignore[no-any-return]  # a decorator


def _annotated(method: Any, name: str, where: str) -> tuple[Annotation, ...]:
    found = next(filter(None, map(annotations_of, wrapper_chain(method))), ())
    if found:
        return found
    raise ConfigurationError(f'{where}: names the method "{name}", which is not annotated with @verwerkingsactie')


def refuse_silent_views(urls: Iterable[Any], refuse: Callable[[str], NoReturn]) -> None:
    """Refuse each URL of an admin that does not say what it does, and mark all as an admin's."""
    for pattern in _each(urls):
        if not _says(pattern):
            pattern.callback = _refused(pattern.callback, refuse)
        setattr(pattern.callback, OF_ADMIN, True)


def silent_views(urls: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The URLs of an admin that do not say what they do, each with the name of its view."""
    for pattern in _each(urls):
        if not _says(pattern):
            yield str(pattern.pattern), _name(pattern.callback)


def object_id_in(object_id: Any, *_: Any, **__: Any) -> str:
    """The key of an object among the arguments of a view of one."""
    return unquote(str(object_id))


def versions_of(admin: Any, request: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """The versions that a view of django-simple-history shows for its arguments: all of an object, or one of them.

    Each is an object of the model. The object itself, as it is now, is asked for by the admin's hook, where it is shown or will be changed.
    """
    model = admin.model
    name = getattr(model._meta, "simple_history_manager_attribute", None)
    if name is None and is_safe(request.method):
        return
    object_id = object_id_in(*args, **kwargs)
    admin.get_object(request, object_id)
    if name is None:
        return
    versions = getattr(model, name).filter(**{model._meta.pk.attname: object_id})
    version_id = kwargs.get("version_id", args[1] if len(args) > 1 else None)
    for version in versions if version_id is None else versions.filter(history_id=version_id):
        yield version.instance


def _each(urls: Iterable[Any]) -> Iterator[URLPattern]:
    for one in urls:
        if isinstance(one, URLPattern):
            yield one
        else:
            yield from _each(one.url_patterns)


def _says(pattern: URLPattern) -> bool:
    return all(any(declared_in_code(endpoint)) for endpoint in of_pattern(pattern, (), Counter()))


def _refused(view: _View, refuse: Callable[[str], NoReturn]) -> _View:
    @wraps(view)
    def refused(*args: Any, **kwargs: Any) -> Any:
        refuse(_name(view))

    return refused


def _name(view: Any) -> str:
    *_, innermost = wrapper_chain(view)
    return getattr(innermost, "__name__", type(innermost).__name__)

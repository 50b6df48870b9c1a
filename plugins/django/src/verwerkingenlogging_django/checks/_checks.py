"""What ``manage.py check`` says of verwerkingenlogging: before a server starts, and not in an audit.

All of them make the log, as the server does: run ``manage.py`` as the user that the server runs as.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder

from verwerkingenlogging.check import cached, problems, unannotated
from verwerkingenlogging.errors import ConfigurationError
from verwerkingenlogging.logs import MemoryLog
from verwerkingenlogging_django.checks._sqlite import check_journal, check_transaction_mode
from verwerkingenlogging_django.settings import NAME, Configuration, configuration, given, place, recorder

__all__ = ["TAG", "register_checks"]

TAG = "verwerkingenlogging"
"""``manage.py check --tag verwerkingenlogging`` runs these alone."""

_CACHE = "django.middleware.cache.FetchFromCacheMiddleware"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def register_checks() -> None:
    """Let Django know them. A check of the URLs runs when Django checks those itself, one of a database only where it may be asked."""
    register(check_settings, TAG)
    register(check_middleware, TAG)
    register(check_peers, TAG, Tags.security)
    register(check_urls, TAG, Tags.urls)
    register(check_tables, TAG, Tags.database)
    register(check_transaction_mode, TAG)
    register(check_journal, TAG, Tags.database)
    register(check_deployment, TAG, Tags.security, deploy=True)


def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: the setting, and the log that it names."""
    try:
        recorder()
    except ConfigurationError as error:
        hint = f"See docs/reference/django.md for the keys of settings.{NAME}."
        if error.__cause__ is not None:
            hint = "Import or call what is named there in manage.py shell to see where."
        return [Error(str(error), hint=hint, id="verwerkingenlogging.E001")]
    return []


def check_middleware(**_: Any) -> list[CheckMessage]:
    """E002, E003, W001: the middleware is there, once, and no cache answers in its place."""
    from verwerkingenlogging_django._project_routes import our_middleware  # noqa: PLC0415  # it imports views of Django's, and so models

    if _given() is None:
        return []
    found: list[CheckMessage] = []
    ours = Counter(our_middleware())
    if not ours:
        path = "verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware"
        hint = f'Put "{path}" first in settings.MIDDLEWARE.'
        found.append(
            Error("The middleware of verwerkingenlogging is not in settings.MIDDLEWARE.", hint=hint, id="verwerkingenlogging.E002")
        )
    if ours.total() > 1:
        message = f"The middleware of verwerkingenlogging is in settings.MIDDLEWARE {ours.total()} times."
        hint = "Keep the first: what an inner one believes of the caller would be lost in the outer one."
        found.append(Error(message, hint=hint, id="verwerkingenlogging.E003"))
    if _CACHE in settings.MIDDLEWARE:
        message = f"{_CACHE} answers with pages from the cache, and then no view runs that is recorded."
        hint = "Cache per view, with cache_page, and only views that show no personal data."
        found.append(Warning(message, hint=hint, id="verwerkingenlogging.W001"))
    return found


def check_peers(**_: Any) -> list[CheckMessage]:
    """W002: behind a proxy every client seems to be the proxy, and so nobody is believed, or everybody."""
    behind_proxy = settings.USE_X_FORWARDED_HOST or settings.SECURE_PROXY_SSL_HEADER is not None
    values = _given()
    if values is None or not behind_proxy or {"TRUSTED_PEERS", "TRUSTED_PROXIES", "VERIFIED_OIN"} & values.keys():
        return []
    message = f"{place('TRUSTED_PEERS')} is missing, and this project is behind a proxy."
    hint = (
        "Let the server restore the client's address, and name the addresses whose doelbinding headers are believed; [] for none. "
        "Without it nobody behind a proxy on this machine is, or everybody when that adds no header such as X-Forwarded-For."
    )
    return [Warning(message, hint=hint, id="verwerkingenlogging.W002")]


def check_urls(**_: Any) -> list[CheckMessage]:
    """E004, E005, W003, W008, W009, W013: what the settings say of URLs, what views name or do not say, and what stands around them."""
    from verwerkingenlogging_django._project_routes import project_routes  # noqa: PLC0415  # it imports views of Django's, and so models

    if _read() is None or not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        found = project_routes()
    except ConfigurationError as error:
        return [Error(str(error), id="verwerkingenlogging.E004")]
    messages: list[CheckMessage] = [
        Error(problem, id="verwerkingenlogging.E005") for problem in problems(route for route in found if route.recorder is not None)
    ]
    silent = unannotated(found)
    if silent:
        message = f"{len(silent)} of {len(found)} URLs say nothing about personal data, such as {silent[0].name}."
        hint = f"manage.py verwerkingen_check lists them; annotate the views, or say it in {place('ROUTES')}."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W003"))
    return messages + _order()


def _order() -> list[CheckMessage]:
    """W008, W009, W013: a cache above an annotation, an annotation above what refuses, and one without a transaction around it."""
    from verwerkingenlogging_django._routes.configured_endpoints import configured  # noqa: PLC0415  # see above
    from verwerkingenlogging_django._routes.decorator_order import commits_first, is_cached, records_refusals  # noqa: PLC0415

    found = configured(configuration().routes)
    messages: list[CheckMessage] = []
    for template in dict.fromkeys(one.endpoint.template for one in found if is_cached(one)):
        message = f"{template}: a cache stands above what records (cache_page, lru_cache), and answers without a record."
        hint = "Do not cache what shows personal data, or put @verwerkingsactie above the cache."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W008"))
    messages += [Warning(message, id="verwerkingenlogging.W008") for message in cached()]
    for template in dict.fromkeys(one.endpoint.template for one in found if records_refusals(one)):
        message = f"{template}: @verwerkingsactie stands above what may refuse the request, and records what was refused as well."
        hint = "Put it under login_required, require_GET, api_view and the like, nearest to the function, or on the method of the class."
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W009"))
    late = list(dict.fromkeys(f"{one.endpoint.method} {one.endpoint.template}" for one in found if commits_first(one)))
    if late:
        message = f"{', '.join(late)}: recorded after a change may have been committed (gevonden), and a log that fails cannot undo it."
        hint = (
            "Set ATOMIC_REQUESTS, or put @transaction.atomic above @verwerkingsactie; where it changes nothing, "
            "say so with @reading (verwerkingenlogging_django.transactions)."
        )
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W013"))
    return messages


def check_tables(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W004: the table of DjangoLog. A warning, or ``migrate`` could not make it."""
    from verwerkingenlogging_django._log.django_log import DjangoLog  # noqa: PLC0415  # it imports models
    from verwerkingenlogging_django.models import Record  # noqa: PLC0415

    read = _read()
    if read is None or not isinstance(read.log, DjangoLog):
        return []
    messages: list[CheckMessage] = []
    table = Record._meta.db_table
    for alias in read.log.databases:
        if alias in (databases or ()) and not _has(alias, table):
            message = f"The table {table} of DjangoLog is not in database {alias!r}, so nothing can be recorded there."
            hint = f"manage.py migrate verwerkingenlogging --database {alias}; if that makes no table, a database router keeps it out."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W004"))
    return messages


def check_deployment(**_: Any) -> list[CheckMessage]:
    """W005, W006, W007, W010: what does for development only."""
    from verwerkingenlogging_django._log.django_log import DjangoLog  # noqa: PLC0415  # it imports models

    read = _read()
    messages: list[CheckMessage] = []
    if read is None:
        return messages
    if settings.DEBUG:
        message = "With settings.DEBUG the page of an error shows the personal data that the view had."
        messages.append(Warning(message, hint="Set DEBUG to False.", id="verwerkingenlogging.W005"))
    if isinstance(read.log, DjangoLog) and read.log.deliver_to is None:
        message = f"{place('LOG')}: DjangoLog has no log behind it, so nothing is delivered from here."
        hint = (
            "Give it one, such as DjangoLog(ApiLog.from_env), and run manage.py verwerkingen_deliver; docs/how-to/django-log.md says how."
        )
        messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W010"))
    for log in _behind(read.log):
        if isinstance(log, MemoryLog):
            message = f"{place('LOG')}: MemoryLog forgets all records when the process ends."
            hint = "Use OutboxLog, DjangoLog or ApiLog; docs/how-to/choose-a-log.md helps to choose."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W006"))
        address = urlsplit(str(getattr(log, "url", "")))
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            message = f"{place('LOG')}: personal data goes to {address.hostname} over plain http."
            hint = "Use https, unless the network itself encrypts."
            messages.append(Warning(message, hint=hint, id="verwerkingenlogging.W007"))
    return messages


def _given() -> Any:
    """The setting as it was written; None where E001 says what is wrong with it."""
    try:
        return given()
    except ConfigurationError:
        return None


def _read() -> Configuration | None:
    """The setting, read; None where E001 says what is wrong with it."""
    return None if check_settings() else configuration()


def _behind(log: Any) -> Iterator[Any]:
    while log is not None:
        yield log
        log = getattr(log, "deliver_to", None)


def _has(alias: str, table: str) -> bool:
    """Whether the table is there, or will be: where nothing was migrated yet, no table is, and Django says so itself."""
    try:
        with connections[alias].cursor() as cursor:
            names = connections[alias].introspection.table_names(cursor)
    except DatabaseError:
        return True  # it cannot be reached, which is not for this check to say
    return table in names or MigrationRecorder.Migration._meta.db_table not in names

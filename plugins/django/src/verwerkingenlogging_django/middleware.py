"""The middleware: it gives each request a context, and answers 503 when the log fails."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from verwerkingenlogging import ConfigurationError, Recorder
from verwerkingenlogging.context import Context, current, enter, leave
from verwerkingenlogging.errors import ForeignOin, NotRecorded, OutsideContext
from verwerkingenlogging.requests.caller import Callers
from verwerkingenlogging.requests.refusal import OIN_MISMATCH, PROBLEM_JSON, Refusal, not_recorded_in, refusal_of
from verwerkingenlogging_django._requests.headers import raw_headers
from verwerkingenlogging_django._requests.server_start import start_with_server
from verwerkingenlogging_django._requests.streaming import stream_in_context
from verwerkingenlogging_django._requests.user import fetch_user
from verwerkingenlogging_django._routes.configured_functions import install_routes
from verwerkingenlogging_django._setting_values import NAME
from verwerkingenlogging_django._transaction_mode import enter_mode, for_method, leave_mode, mode_of
from verwerkingenlogging_django.settings import configuration, recorder

__all__ = ["VerwerkingenloggingMiddleware"]

_APP = "verwerkingenlogging_django"
_GetResponse = Callable[[HttpRequest], HttpResponseBase]


class VerwerkingenloggingMiddleware:
    """Gives each request a context to log in, as the setting ``VERWERKINGENLOGGING`` says::

        MIDDLEWARE = ["verwerkingenlogging_django.middleware.VerwerkingenloggingMiddleware", ...]

    It goes first, but after what restores the client's address behind a proxy. A NotRecorded from annotated code becomes a
    503 with problem+json; nothing is processed or shown without a record (B7952).

    Synchronous under WSGI and asynchronous under ASGI: it adds no thread to either. Raises ConfigurationError when the setting
    is wrong, and then the server does not start.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: _GetResponse) -> None:
        if not apps.is_installed(_APP):  # it could not say so itself, in a check
            raise ConfigurationError(f'settings.INSTALLED_APPS: "{_APP}" is missing; it checks what is said in settings.{NAME}')
        self.get_response = get_response
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)
        self._made_for: Recorder | None = None
        start_with_server(self._prepare(recorder()))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request, as Django defines it: gives a response, or in an asynchronous project what awaits one."""
        if recorder() is not self._made_for:  # a test has changed the setting
            self._prepare(recorder())
        if self._asynchronous:
            return cast("HttpResponseBase", self._acall(request))
        try:
            context = self._context(request, self._headers(request), request.META.get("REMOTE_ADDR") or "")
        except ForeignOin:
            return _refuse(OIN_MISMATCH)
        if self._functions is not None:
            context.configured = ((self._functions, request),)
        token, mode = enter(context), enter_mode(mode_of(request.method))
        try:
            response = self.get_response(request)
        except BaseException:
            context.ended = True
            raise
        finally:
            leave_mode(mode)
            leave(token)
        if response.streaming or context.failed is not None:
            return _finished(request, response, context, begins=True)
        context.ended = True
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        try:
            context = self._context(request, self._headers(request), request.META.get("REMOTE_ADDR") or "")
        except ForeignOin:
            return _refuse(OIN_MISMATCH)
        if self._functions is not None:
            context.configured = ((self._functions, request),)
        token, mode = enter(context), enter_mode(mode_of(request.method))
        try:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        except BaseException:  # the client has gone, for one
            context.ended = True
            raise
        finally:
            leave_mode(mode)
            leave(token)
        if response.streaming or context.failed is not None:
            return _finished(request, response, context, begins=False)
        context.ended = True
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Refuse a request that could not be recorded. No coroutine: Django would leave its thread for each."""
        failed = _failed(exception)
        return None if failed is None else _refuse(refusal_of(failed))

    def _prepare(self, now: Recorder) -> Recorder:
        """Read the setting."""
        read = configuration()
        self._functions = install_routes(read.routes)
        self._headers = raw_headers(read.profile, traces=now.wants_spans)
        self._context = Callers[HttpRequest](
            now,
            trusts=read.trusts,
            verified_oin=read.verified_oin,
            organisatie=read.organisatie,
            gebruiker=read.gebruiker,
            prepare=fetch_user,
            profile=read.profile,
        ).context
        self._made_for = now
        return now


def _finished(request: HttpRequest, response: HttpResponseBase, context: Context, *, begins: bool) -> HttpResponseBase:
    if response.streaming and context.failed is None:
        stream_in_context(response, context, lambda: _entered(context, request.method), begins=begins)
    if context.failed is None:
        return response
    refused = _refuse(refusal_of(context.failed))
    # What holds something open is closed with this answer, when it has left: to close the other one would say that the request is over.
    refused._resource_closers += response._resource_closers  # type: ignore[attr-defined]  # Django's own, unknown to its types
    context.ended = True
    return refused


def _failed(error: BaseException | None) -> NotRecorded | None:
    """What could not be recorded, if that is what ``error`` says; the context of the request remembers it from then on."""
    failed = not_recorded_in(error)
    if failed is not None:
        with suppress(OutsideContext):  # another application in this process, or a test that calls a method by hand
            context = current()
            if (context.root or context).failed is None:
                context.fail(failed)
    return failed


@contextmanager
def _entered(context: Context, method: str | None) -> Iterator[None]:
    token = enter(context)
    try:
        with for_method(method):
            yield
    finally:
        leave(token)


def _refuse(refusal: Refusal) -> HttpResponse:
    response = HttpResponse(refusal.body, status=refusal.status, content_type=PROBLEM_JSON, headers={"Cache-Control": "no-store"})
    # Django would log the request's path, in which a BSN may stand. What is to be said about a refusal was said without it.
    setattr(response, "_has_been_logged", True)  # noqa: B010  # Django's own mark, which its types do not know
    return response


def _note(**_: Any) -> None:
    """Remember that NotRecorded came out of a middleware, where Django asks nobody and makes a 500 of it."""
    _failed(sys.exc_info()[1])


got_request_exception.connect(_note, dispatch_uid="verwerkingenlogging_django.middleware")

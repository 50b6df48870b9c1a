"""The addresses of burgerzaken."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from burgerzaken.api import views

__all__ = ["handler404", "urlpatterns"]

handler404 = "burgerzaken.problems.not_found"

router = SimpleRouter(trailing_slash=False)
router.register("huwelijken", views.HuwelijkViewSet)
router.register("ceremonies", views.CeremonieViewSet)
router.register("onderzoeken", views.OnderzoekViewSet)

urlpatterns = [path("health", views.health), path("", include(router.urls))]

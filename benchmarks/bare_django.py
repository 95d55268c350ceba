"""The least that a Django view can cost: a WSGI application with one view, no middleware and 60 kB of text."""

from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

PAGE = b"<p>Some words of a page.</p>\n" * 2_069


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


urlpatterns = [path("", view)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only-for-benchmarks", MIDDLEWARE=[])  # noqa: S106  # protects nothing
application: Any = get_wsgi_application()

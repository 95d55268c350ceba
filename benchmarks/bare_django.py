"""The unit of the other benchmarks: a Django view that returns 60 kB and does nothing else, without middleware."""

from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

PAGE = "<p>Some text of a page.</p>\n" * 2_200

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="bare" * 12, USE_I18N=False)
django.setup()


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


urlpatterns = [path("", page)]
application: Any = get_wsgi_application()

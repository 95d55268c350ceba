"""The WSGI application that granian, gunicorn and runserver load."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from core.database import hold_open, limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()
limit_statements()

from blog.caching.application import PageCache  # noqa: E402  # only after Django is set up

# While developing, a change in a template is seen at once.
application = django_application if settings.DEBUG else PageCache(django_application)
hold_open()

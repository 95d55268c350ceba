"""The WSGI application that gunicorn and runserver load, and that config.rsgi serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from core.database import hold_open, limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()
limit_statements()

from blog.caching.application import PageCache  # noqa: E402  # only after Django is set up
from operations.backups.restoring import finish_if_interrupted  # noqa: E402  # likewise

finish_if_interrupted()
page_cache = PageCache(django_application)
# While developing, a change in a template is seen at once.
application = django_application if settings.DEBUG else page_cache
hold_open()

"""The WSGI application that config.rsgi, gunicorn and runserver load."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from core.database import hold_open, limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()
limit_statements()

from blog.caching.application import PageCache  # noqa: E402  # only after Django is set up
from config.lanes import lane_of  # noqa: E402  # likewise
from core.serving.admission import Admission  # noqa: E402  # likewise

# What the page cache has costs next to nothing. While developing, a change in a template is seen at once.
admission = Admission(django_application, lane_of)
application = admission if settings.DEBUG else PageCache(admission)
hold_open()

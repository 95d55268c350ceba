"""The WSGI application that granian, gunicorn and runserver load."""

import os

from django.core.wsgi import get_wsgi_application

from core.database import hold_open, limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
limit_statements()
hold_open()

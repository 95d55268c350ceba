"""The WSGI application that config.rsgi, gunicorn and runserver load."""

import os

from django.core.wsgi import get_wsgi_application

from config.lanes import lane_of
from core.database import hold_open
from core.serving.admission import Admission

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = Admission(get_wsgi_application(), lane_of)
hold_open()

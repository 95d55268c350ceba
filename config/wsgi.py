"""The WSGI application that gunicorn and runserver load, and that config.rsgi serves."""

import gc
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.database import hold_open, limit_statements
from core.serving.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# As in manage.py.
gc.disable()
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    # One line in the log, which says what to do, and no traceback of each process.
    sys.exit(f"Error: {error}")
django_application = Handler()
limit_statements()

from blog.caching.application import PageCache  # noqa: E402  # only after Django is set up
from config.logs import log_thread_error  # noqa: E402  # as above
from core.serving.busy import refused  # noqa: E402  # as above
from media import unfinished  # noqa: E402  # as above
from operations.backups.restoring import finish_if_interrupted  # noqa: E402  # as above
from operations.health import HealthPages  # noqa: E402  # as above
from operations.metrics_folder import prepare_metrics  # noqa: E402  # as above

threading.excepthook = log_thread_error
finish_if_interrupted()
unfinished.finish()
page_cache = PageCache(django_application)
# In development, changes to templates are visible immediately.
site: Any = django_application if settings.DEBUG else page_cache
answer_hit: Any = page_cache.answer_hit
answer_from_memory: Any = page_cache.answer_from_memory
refuse: Any = refused(django_application)
exposition: Callable[[], bytes] | None = None
if prepare_metrics():
    from operations import metrics

    site, exposition = metrics.measured(site), metrics.exposition
    answer_hit, answer_from_memory = metrics.measured(answer_hit), metrics.measured(answer_from_memory)
    refuse = metrics.measured(refuse)
application = HealthPages(site, exposition)
hold_open()

"""The production settings, with changes that make tests fast and keep them away from this machine's data."""

import atexit
import math
import os
import shutil
import tempfile

os.environ["SECRET_KEY"] = "only-for-tests"
os.environ["DEBUG"] = "0"
os.environ["SITE_URL"] = "http://testserver"
os.environ["BROADSIDE_DATA"] = tempfile.mkdtemp(prefix="broadside-tests-")
atexit.register(shutil.rmtree, os.environ["BROADSIDE_DATA"], ignore_errors=True)
# Django replaces the mail server with an outbox in tests.
os.environ["EMAIL_URL"] = "smtp://localhost"
for name in (
    "EMAIL_FROM",
    "CACHE_URL",
    "STORAGE_URL",
    "LANGUAGE_CODE",
    "TIME_ZONE",
    "ALLOWED_HOSTS",
    "FORMER_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
):
    os.environ.pop(name, None)

from config.settings import *  # noqa: E402, F403  # only after the environment is set, which they read
from config.settings import DATA_DIR, DATABASES, STORAGES  # noqa: E402  # likewise
from core.sqlite.base import DatabaseWrapper  # noqa: E402  # likewise

if DATABASES["default"]["ENGINE"] == "core.sqlite":
    # A file, as in production: SQLite in memory has neither WAL nor waiting for locks.
    # The threads of tests end, and their connections with them.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # Nothing has to survive a power cut.
    _options = DATABASES["default"]["OPTIONS"]
    _init_command = f"{_options['init_command']} PRAGMA synchronous=OFF;"
    DATABASES["default"]["OPTIONS"] = {**_options, "init_command": _init_command}
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "tests.sqlite3")}
    # Tests hold the database one after the other, and no one else waits for it.
    DatabaseWrapper.max_held = math.inf

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True

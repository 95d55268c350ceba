"""Settings. Everything that differs between sites comes from environment variables.

`.env.example` lists and explains them. They are also read from a file `.env` next to `manage.py`, if there is one.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.csp import CSP

from config import env, validation
from config.cache import caches
from config.data_folder import data_folder
from config.database import SQLITE, databases
from config.languages import languages
from config.logs import logging_settings
from config.mail import bounce_webhook, mail_limits, mailbox_url, mailers
from config.redaction import without_secrets
from config.storage import media_storage
from core.urls import URLTemplate

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

_given = frozenset(os.environ)
env.read_file(BASE_DIR / ".env")
# The variables that come from that file. `manage.py serve` doesn't pass them on, so that its processes read it again.
BROADSIDE_FROM_FILE = frozenset(os.environ) - _given

DEBUG = env.switch("DEBUG", default=False)

# The folder of everything that is not code: database, media, cache. `migrate` also makes an existing folder private.
DATA_DIR = data_folder(env.text("BROADSIDE_DATA") or str(BASE_DIR / "var"))

SECRET_KEY = env.text("SECRET_KEY", default="only-for-development" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Broadside signs sessions and links with it, so it doesn't start without one. "
        "Create one with `make secret-key`, and put it into .env or the environment. For development, set DEBUG=1 "
        "instead."
    )

# Earlier keys, with which the secrets of authenticator apps and links in e-mails can still be read.
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")

# The URL that readers use. Its scheme decides whether HTTPS is required.
SITE_URL = validation.site_url(env.text("SITE_URL", default="http://localhost:8000"))
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
HTTPS = SITE_URL.startswith("https://")

# Former hosts of this blog, such as NAME.wordpress.com. Requests to them and links to them are redirected here.
BROADSIDE_FORMER_HOSTS = validation.hosts("FORMER_HOSTS", env.items("FORMER_HOSTS"))
# The folder that the blog was in, if it wasn't at the root of its host. It is removed from requested paths.
_former_folder = env.text("FORMER_FOLDER").strip("/")
BROADSIDE_FORMER_FOLDER = f"/{_former_folder}/" if _former_folder else ""
_own_hosts = env.items("ALLOWED_HOSTS", default=[SITE_HOST, "localhost", "127.0.0.1", "[::1]"])
ALLOWED_HOSTS = validation.hosts("ALLOWED_HOSTS", _own_hosts) + BROADSIDE_FORMER_HOSTS
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])

# The contacts for reports about the site's security, in /.well-known/security.txt.
BROADSIDE_SECURITY_CONTACTS = validation.security_contacts(env.items("SECURITY_CONTACT"))

INSTALLED_APPS = [
    "config.admin.BroadsideAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.forms",
    "markdownx",
    "taggit",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "core",
    "accounts",
    "mail",
    "media",
    "blog",
    "tags",
    "comments",
    "readers",
    "search",
    "newsletter",
    "wordpress",
    "demo",
    "operations",
]

MIDDLEWARE = [
    # First, so that whatever the others log has the ID.
    "operations.request_ids.RequestIDMiddleware",
    # Around everything that shows a page.
    "core.languages.LanguageMiddleware",
    # Around everything that may use the database.
    "core.updating.GateMiddleware",
    # Before the redirect to HTTPS, so that a former host needs a single redirect.
    "blog.redirects.middleware.FormerHostsMiddleware",
    "core.headers.IsolationHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Before everything that may use the database.
    "core.serving.busy.BusyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "blog.caching.middleware.GZipPagesMiddleware",
    "blog.caching.middleware.ConditionalPagesMiddleware",
    "blog.redirects.middleware.SingleRedirectMiddleware",
    "blog.caching.middleware.PublicPagesMiddleware",
    "wordpress.legacy_urls.middleware.QueryFormsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Before everything that reads the body.
    "accounts.large_bodies.LargeBodiesMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "blog.caching.middleware.UnusedTokenMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.sessions.ErasedAccountsMiddleware",
    "accounts.logging_in.SecondFactorMiddleware",
    "accounts.languages.OwnLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.late_forms.LateFormsMiddleware",
    "operations.withdrawals.warnings.WithdrawnNamesMiddleware",
    "blog.appearance.preview.AppearanceMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last, so that only views read from replicas of the database.
    "blog.replica_reads.ReplicaReadsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# Widget templates can also be in templates/ (the editor's is).
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Templates of this site, which take precedence over ours (docs/appearance.md).
BROADSIDE_TEMPLATES_DIR = DATA_DIR / "templates"
TEMPLATES = [
    {
        "NAME": "django",
        "BACKEND": "core.templates.SiteTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "overrides": BROADSIDE_TEMPLATES_DIR,
            "builtins": ["core.templatetags.urls"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "blog.context_processors.site",
            ],
        },
    },
]

# For PostgreSQL: the most connections of a process (with 0, each thread keeps its own, for DATABASE_CONN_MAX_AGE
# seconds), and whether the server plans a repeated statement once, which poolers such as PgBouncer may not allow.
DATABASES = databases(
    env.text("DATABASE_URL"),
    env.items("DATABASE_REPLICA_URLS"),
    DATA_DIR,
    pool=env.number("DATABASE_POOL", default=16),
    max_age=env.number("DATABASE_CONN_MAX_AGE", default=60),
    prepare=env.switch("DATABASE_PREPARE", default=True),
)
DATABASE_ROUTERS = ["blog.replica_reads.ReplicaRouter"] if len(DATABASES) > 1 else []
# In seconds. A page or form fails if a statement takes longer than this (core.database).
BROADSIDE_DATABASE_TIMEOUT = env.number("DATABASE_TIMEOUT", default=30)
if DATABASES["default"]["ENGINE"] == SQLITE:
    # SQLite would create a file that everyone can read. The files that it adds next to it have the same permissions.
    _database = Path(DATABASES["default"]["NAME"])
    if _database.is_relative_to(DATA_DIR) and _database.parent.is_dir() and not _database.exists():
        _database.touch(mode=0o600)

CACHES = caches(env.text("CACHE_URL"), DATA_DIR / "cache", max_bytes=env.number("CACHE_MAX_MB", default=256) * 2**20)
# How much memory each process uses for pages that readers request, in bytes. Other pages come from CACHES.
BROADSIDE_PAGE_CACHE_MEMORY = env.number("PAGE_CACHE_MEMORY_MB", default=16) * 2**20
BROADSIDE_PAGE_CACHE_LOCKS = DATA_DIR / "pages.lock"
# A folder of pages that nginx serves on its own, on the same machine as all processes that change content (see
# deploy/nginx.conf). How much each process writes there between two changes, in bytes.
BROADSIDE_PAGES_FOLDER = Path(folder).resolve() if (folder := env.text("PAGES_FOLDER")) else None
BROADSIDE_PAGES_MAX_BYTES = env.number("PAGES_FOLDER_MAX_MB", default=256) * 2**20

AUTH_USER_MODEL = "accounts.User"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
AUTHENTICATION_BACKENDS = ["accounts.backends.AccountBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
# A table with the user of each session. How long a session lasts depends on the role (accounts.policies).
SESSION_ENGINE = "accounts.sessions"
# The author's page belongs to the blog, which accounts does not know.
_author_url = URLTemplate("blog:author", "slug")
ABSOLUTE_URL_OVERRIDES = {
    "accounts.user": lambda user: _author_url(user.slug),
    "accounts.portrait": lambda portrait: reverse("blog:portrait", args=[portrait.digest]),
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Logging in (accounts, with django-allauth). There is no sign-up, and accounts.throttle limits guesses.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Browsers offer passkeys over HTTPS, and on this machine over HTTP as well, where the origin can't be checked.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Clocks of phones may differ by half a minute.
MFA_TOTP_TOLERANCE = 1

LANGUAGE_CODE = validation.language_code(env.text("LANGUAGE_CODE", default="en"))
LANGUAGES = languages()
TIME_ZONE = validation.time_zone(env.text("TIME_ZONE", default="UTC"))
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.text("STATIC_ROOT") or BASE_DIR / "staticfiles")
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": media_storage(env.text("STORAGE_URL")),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "config.static.StaticStorage"
    },
}
# Until collectstatic has run, files are served from their source folders.
WHITENOISE_USE_FINDERS = True

# Players that a reader starts (static/js/players.js), each from the host of its site that stores the least about
# viewers. blog/rendering/providers.py makes their URLs.
PLAYERS = [
    "https://www.youtube-nocookie.com/embed/",
    "https://player.vimeo.com/video/",
    "https://geo.dailymotion.com/player.html",
    "https://embed.ted.com/talks/",
    "https://videopress.com/embed/",
    "https://archive.org/embed/",
    "https://w.soundcloud.com/player/",
    "https://open.spotify.com/embed/",
    "https://bandcamp.com/EmbeddedPlayer/",
    "https://www.slideshare.net/slideshow/embed_code/",
    "https://www.scribd.com/embeds/",
]

# Nothing inline, and nothing from other sites unless a reader asks for it, on every page and in the admin.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "media-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "frame-src": PLAYERS,
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
# Browser features that nothing here uses. Those that players need are delegated to them by static/js/players.js.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "gamepad", "geolocation", "gyroscope", "hid"),
        *("idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment"),
        *("screen-wake-lock", "serial", "storage-access", "usb", "xr-spatial-tracking"),
    )
)
# Pages with a CSRF token need the referrer on our own host. Public pages send none at all (blog.caching).
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS and env.switch("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env.switch("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = HTTPS and env.switch("SECURE_HSTS_PRELOAD", default=True)
if env.switch("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Comments and guesses at passwords are limited by IP address (core.sender). This is the number of proxies in front that
# add the IP address of their client to the header. With 0, the IP address of the connection counts.
BROADSIDE_TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", default=0)
BROADSIDE_CLIENT_ADDRESS_HEADER = env.text("CLIENT_ADDRESS_HEADER", default="X-Forwarded-For")

# E-mail notifications and confirmations (mail.delivery). Without EMAIL_URL nothing is sent, but DEBUG prints messages.
MAILERS = mailers(env.text("EMAIL_URL", default="console:" if DEBUG else ""))
# Having no mailer is a valid choice, which the admin mentions.
SILENCED_SYSTEM_CHECKS = ["mail.W001"]
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", default=f"noreply@{SITE_HOST}")
# How many e-mails with new posts each domain gets in a minute (mail.pacing), such as `example.org=10,*=60`.
BROADSIDE_MAIL_LIMITS = mail_limits(env.items("MAIL_LIMITS"))
# Where bounces, complaints and requests to unsubscribe are sent (newsletter.returns): an address to which `+TOKEN` can
# be added before the @, and its mailbox, which is for nothing else.
BROADSIDE_BOUNCE_ADDRESS = env.text("BOUNCE_ADDRESS").strip()
BROADSIDE_BOUNCE_MAILBOX = mailbox_url(env.text("BOUNCE_MAILBOX").strip())
# Or the mail provider that reports them to a URL of this site, and its secret (newsletter.webhooks).
BROADSIDE_BOUNCE_WEBHOOK, BROADSIDE_BOUNCE_WEBHOOK_SECRET = bounce_webhook(
    env.text("BOUNCE_WEBHOOK").strip().lower(), env.text("BOUNCE_WEBHOOK_SECRET").strip()
)

# Comments are also checked by Akismet if there is a key (comments.rules.akismet).
BROADSIDE_AKISMET_KEY = env.text("AKISMET_KEY")

# The hub that feeds name, for feed readers that want to be told about new posts (WebSub). Nothing is sent to it.
BROADSIDE_WEBSUB_HUB = env.text("WEBSUB_HUB").strip()
# Whether there is a sitemap of what was published in the last two days, for news search engines.
BROADSIDE_NEWS_SITEMAP = env.switch("NEWS_SITEMAP", default=False)

# Uploaded files are also checked when they are stored (media).
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# A tag with which a thousand others were merged has a thousand former slugs, with three fields each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# Uploaded exports are private, so they are not in MEDIA_ROOT. Large uploads are written to the same disk.
BROADSIDE_IMPORTS_DIR = DATA_DIR / "imports"
FILE_UPLOAD_TEMP_DIR = BROADSIDE_IMPORTS_DIR
# Notes of files that are being stored, replaced or deleted (media.unfinished).
BROADSIDE_UNFINISHED_DIR = DATA_DIR / "unfinished"
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "media.unnamed_files.UnnamedFileUploadHandler",
]
# The maximum size of an uploaded export, and of an archive when it is unpacked.
BROADSIDE_IMPORT_MAX_BYTES = env.number("IMPORT_MAX_MB", default=2048) * 2**20
# The maximum size of an imported audio or video file or document.
BROADSIDE_IMPORT_FILE_MAX_BYTES = env.number("IMPORT_FILE_MAX_MB", default=1024) * 2**20
# Whether an import stores files as they are if they can't be cleaned of names and places, such as old Word files.
BROADSIDE_IMPORT_UNCLEANED_FILES = env.switch("IMPORT_UNCLEANED_FILES", default=False)
# Uploaded exports that are never imported are deleted after this time.
BROADSIDE_IMPORT_KEEP_DAYS = env.number("IMPORT_KEEP_DAYS", default=7)

# Exports that were made in the admin are deleted after this time.
BROADSIDE_EXPORT_KEEP_DAYS = env.number("EXPORT_KEEP_DAYS", default=3)
# How many days the audit log is kept, and in it the counts of failed attempts to log in. Not an admin setting, so that
# someone who gets hold of an owner's session can't delete the traces of what they do.
BROADSIDE_AUDIT_KEEP_DAYS = env.number("AUDIT_KEEP_DAYS", default=365)
BROADSIDE_AUDIT_KEEP_FAILED_DAYS = env.number("AUDIT_KEEP_FAILED_DAYS", default=90)

# For how many days the withdrawal of a name can be undone. After that, the data needed to undo it is deleted.
BROADSIDE_WITHDRAWAL_UNDO_DAYS = env.number("WITHDRAWAL_UNDO_DAYS", default=14)

# Where backups are: a folder, or a bucket as in STORAGE_URL. They are encrypted to this public key (age).
BROADSIDE_BACKUP_URL = env.text("BACKUP_URL")
BROADSIDE_BACKUP_PUBLIC_KEY = env.text("BACKUP_PUBLIC_KEY").strip()
# When they are made each day, and for how many days, weeks and months the last one of each is kept.
BROADSIDE_BACKUP_TIMES = validation.backup_times(env.items("BACKUP_TIMES", default=["03:30"]))
BROADSIDE_BACKUP_KEEP = (
    env.number("BACKUP_KEEP_DAILY", default=7),
    env.number("BACKUP_KEEP_WEEKLY", default=5),
    env.number("BACKUP_KEEP_MONTHLY", default=12),
)
# The working files and the state of backups and restores.
BROADSIDE_BACKUP_WORK_DIR = DATA_DIR / "backup"
# The description of this environment that backups contain.
BROADSIDE_ENVIRONMENT = without_secrets(os.environ)

# Long tasks are run by `manage.py worker`, next to the web server. `manage.py serve` starts both.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

TAGGIT_TAGS_FROM_STRING = "tags.tagging.split_tags"
TAGGIT_STRING_FROM_TAGS = "tags.tagging.join_tags"

# Lines for people, or JSON for programs (config.logs).
LOGGING = logging_settings(env.text("LOG_FORMAT", default="plain"), env.text("LOG_LEVEL", default="INFO").upper())

# The token for monitoring: for the details of /readyz, and for /metrics. Without it, neither is available.
BROADSIDE_METRICS_DIR = DATA_DIR / "metrics"
BROADSIDE_MONITORING_TOKEN = validation.monitoring_token(env.text("MONITORING_TOKEN"))

# Errors are reported to Sentry if this is set (operations.error_tracking). Otherwise, nothing is sent anywhere.
BROADSIDE_SENTRY_DSN = env.text("SENTRY_DSN")

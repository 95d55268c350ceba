"""Checks of the site as readers see it: through its public URL, with everything that is in front of it."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext as _

from core.dates import time_until
from core.http import CertificateError, FetchError, HTTPClient, Probe, host_of
from media.models import Picture
from operations.checks.diagnoses import CheckOptions, Diagnosis

# The remaining validity of a certificate. Those that are renewed automatically always have more than the first.
_SOON: Final = dt.timedelta(days=14)
_VERY_SOON: Final = dt.timedelta(days=3)
# How many seconds clocks may differ, including the time that a response takes.
_CLOCK_TOLERANCE: Final = 60
# In seconds. Lists of secure sites require half a year.
_MIN_HSTS: Final = 15_768_000
_SAFE_REFERRER_POLICIES: Final = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
# Files that must never be served, and what they start with or contain.
_PRIVATE_FILES: Final = (
    ("/.env", re.compile(rb"(?m)^#?\s?[A-Z_]+=")),
    ("/.git/config", re.compile(rb"\[core\]")),
    ("/manage.py", re.compile(rb"django")),
    ("/var/broadside.sqlite3", re.compile(rb"^SQLite format 3")),
    ("/broadside.sqlite3", re.compile(rb"^SQLite format 3")),
    ("/media/../broadside.sqlite3", re.compile(rb"^SQLite format 3")),
    ("/static/../.env", re.compile(rb"(?m)^#?\s?[A-Z_]+=")),
)
_LISTING: Final = re.compile(rb"(?i)index of /|<title>directory listing|parent directory")


def _get(path: str, *, max_bytes: int = 0, scheme: str = "") -> Probe:
    """Request a path of SITE_URL without following redirects. Raises FetchError."""
    parts = urlsplit(settings.SITE_URL)
    host = str(parts.hostname) if scheme else parts.netloc
    # The owner has chosen the URL, so it may point to this machine or network.
    hosts = {host_of(settings.SITE_URL), settings.SITE_HOST}
    client = HTTPClient(hosts=hosts, timeout=10, deadline=20, allow_private=True)
    return client.probe(f"{scheme or parts.scheme}://{host}{path}", max_bytes=max_bytes)


def https(options: CheckOptions) -> Iterator[Diagnosis]:
    """Check the certificate, and that http:// redirects to https://."""
    if not settings.HTTPS:
        yield Diagnosis.ok(_("SITE_URL begins with http://, so there is no certificate to check."))
        return
    try:
        answer = _get("/")
    except CertificateError as error:
        yield Diagnosis.problem(
            _("Browsers refuse to open this site, because its certificate can't be trusted: %s.") % error.reason,
            _renewal_advice(),
        )
        return
    except FetchError as error:
        yield _skipped(error)
        return
    yield from _about_expiry(answer)
    try:
        plain = _get("/", scheme="http")
    except FetchError:
        yield Diagnosis.ok(_("Nothing answers without HTTPS."))
        return
    if plain.status in {301, 308} and plain.headers.get("Location", "").startswith(settings.SITE_URL):
        yield Diagnosis.ok(_("Requests without HTTPS are redirected."))
    else:
        yield Diagnosis.problem(
            _("Requests without HTTPS are not redirected to it (status %d).") % plain.status,
            _("Let nginx or Caddy redirect them, as in deploy/nginx.conf."),
        )


def _about_expiry(answer: Probe) -> Iterator[Diagnosis]:
    expires = answer.certificate_expires_at
    if expires is None:
        return
    left = expires - timezone.now()
    text = _("The certificate expires in %s.") % time_until(expires)
    if left > _SOON:
        yield Diagnosis.ok(text)
        return
    yield (Diagnosis.problem if left < _VERY_SOON else Diagnosis.warning)(text, _renewal_advice())


def _renewal_advice() -> str:
    return _(
        "As root, run “certbot renew”, which says what prevents it, and then “systemctl reload nginx”, which may still "
        "use the old certificate. Caddy renews it on its own: “journalctl -u caddy” shows why it couldn't. If you "
        "install certificates by hand, use the file with the whole chain (fullchain.pem)."
    )


def headers(options: CheckOptions) -> Iterator[Diagnosis]:
    """Check that no proxy in front of the site removes or changes the headers that protect readers."""
    try:
        answer = _get("/")
    except FetchError as error:
        yield _skipped(error) if isinstance(error, CertificateError) else _unreachable(error)
        return
    missing = list(_missing_headers(answer))
    if answer.status != 200:
        yield Diagnosis.problem(
            _("The front page returns the status %d.") % answer.status,
            _("Check the log: “journalctl -u broadside”. If a proxy answers instead, check its settings."),
        )
    elif missing:
        yield Diagnosis.problem(
            _("The front page lacks headers that protect readers, or they were changed: %s.") % ", ".join(missing),
            _(
                "Compare the settings of nginx, Caddy or the CDN with those in deploy/, and remove what changes "
                "headers."
            ),
        )
    else:
        yield Diagnosis.ok(_("Pages have all headers that protect readers."))


def _missing_headers(answer: Probe) -> Iterator[str]:
    found = answer.headers
    policies = found.get_all("Content-Security-Policy", [])
    if len(policies) != 1 or "default-src 'none'" not in policies[0] or "unsafe-" in policies[0]:
        yield "Content-Security-Policy"
    if found.get_all("X-Content-Type-Options", []) != ["nosniff"]:
        yield "X-Content-Type-Options"
    if found.get("Referrer-Policy", "").lower() not in _SAFE_REFERRER_POLICIES:
        yield "Referrer-Policy"
    if found.get("X-Frame-Options", "").upper() not in {"DENY", "SAMEORIGIN"}:
        yield "X-Frame-Options"
    if settings.HTTPS:
        age = re.search(r"max-age=\"?(\d{1,12})", found.get("Strict-Transport-Security", ""))
        if age is None or int(age[1]) < min(_MIN_HSTS, settings.SECURE_HSTS_SECONDS):
            yield "Strict-Transport-Security"
    if found.get_all("Set-Cookie", []):
        yield "Set-Cookie"


def styles(options: CheckOptions) -> Iterator[Diagnosis]:
    """Check that browsers get the style sheet, which nginx sends itself."""
    try:
        answer = _get(static("css/site.css"))
    except FetchError as error:
        yield _skipped(error)
        return
    if answer.status == 200 and answer.headers.get_content_type() == "text/css":
        yield Diagnosis.ok(_("Browsers get the styles and scripts of the site."))
    else:
        yield Diagnosis.problem(
            _("Browsers don't get the styles and scripts of the site (status %d).") % answer.status,
            _(
                "Run “manage.py collectstatic”, and let nginx send the files below /static/ from the folder %s, as in "
                "deploy/nginx.conf."
            )
            % settings.STATIC_ROOT,
        )


def files(options: CheckOptions) -> Iterator[Diagnosis]:
    """Check that private files can't be downloaded, and that media are neither listed nor sent without headers."""
    try:
        served = [path for path, mark in _PRIVATE_FILES if _is_served(path, mark)]
        listing = _get(settings.MEDIA_URL, max_bytes=20_000)
        picture = Picture.objects.present().order_by("-pk").first()
        media = _get(picture.file.url) if picture and picture.file.url.startswith("/") else None
    except FetchError as error:
        yield _skipped(error)
        return
    if served:
        yield Diagnosis.problem(
            _("Anyone can download files of this site that are private: %s.") % ", ".join(served),
            _(
                "Let the web server pass all requests on to Broadside, as in deploy/nginx.conf. Then change "
                "SECRET_KEY and all passwords in the settings: they may have been read."
            ),
        )
    is_listed = listing.status == 200 and _LISTING.search(listing.body)
    if is_listed:
        yield Diagnosis.problem(
            _("Anyone can list all media of this site."),
            _("Let the web server pass requests below /media/ on to Broadside, as in deploy/nginx.conf."),
        )
    is_bare = (
        media is not None and media.status == 200 and "sandbox" not in media.headers.get("Content-Security-Policy", "")
    )
    if is_bare:
        yield Diagnosis.problem(
            _("The web server serves media itself, so deleted files stay available, and uploads may run in browsers."),
            _("Let the web server pass requests below /media/ on to Broadside, as in deploy/nginx.conf."),
        )
    is_lost = media is not None and media.status != 200
    if media is not None and is_lost:
        yield Diagnosis.problem(
            _("The picture that was uploaded last can't be loaded (status %d).") % media.status,
            _(
                "Check that the site can read its media. If a command was run as root, “chown -R broadside: %s” gives "
                "them back. If they are in a bucket, check STORAGE_URL."
            )
            % settings.DATA_DIR,
        )
    if not (served or is_listed or is_bare or is_lost):
        yield Diagnosis.ok(_("Private files can't be downloaded, and media are not listed."))


def _is_served(path: str, mark: re.Pattern[bytes]) -> bool:
    answer = _get(path, max_bytes=2_000)
    return answer.status == 200 and mark.search(answer.body) is not None


def clock(options: CheckOptions) -> Iterator[Diagnosis]:
    try:
        answer = _get("/healthz")
    except FetchError as error:
        yield _skipped(error)
        return
    there = parse_http_date_safe(answer.headers.get("Date", ""))
    if there is None:
        yield Diagnosis.ok(_("The server in front of the site doesn't report its time."))
    elif abs(there - timezone.now().timestamp()) > _CLOCK_TOLERANCE:
        yield Diagnosis.warning(
            _("The clocks of this machine and of the server in front of it differ by more than a minute."),
            _("Have both set their clocks from the network: “timedatectl set-ntp true”."),
        )
    else:
        yield Diagnosis.ok(_("The server in front of the site has the same time."))


def _skipped(error: FetchError) -> Diagnosis:
    if isinstance(error, CertificateError):
        return Diagnosis.warning(
            _("This could not be checked, because the certificate of the site can't be trusted."),
            _("The check “HTTPS” shows why."),
        )
    return Diagnosis.warning(
        _("This could not be checked, because this machine can't open the site."),
        _("The check “Security headers” shows why."),
    )


def _unreachable(error: FetchError) -> Diagnosis:
    return Diagnosis.problem(
        _("This machine can't open %(url)s (%(error)s).") % {"url": settings.SITE_URL, "error": str(error).rstrip(".")},
        _(
            "Open it in a browser elsewhere. If that works, this machine just can't reach itself by that name; "
            "otherwise check DNS, the firewall, and that nginx or Caddy is running."
        ),
    )

"""Checks of the settings."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core import checks
from django.core.checks.security.base import (
    SECRET_KEY_INSECURE_PREFIX,
    SECRET_KEY_MIN_LENGTH,
    SECRET_KEY_MIN_UNIQUE_CHARACTERS,
)
from django.http.request import validate_host
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.template_checks import compile_templates
from operations.checks.diagnoses import CheckOptions, Diagnosis

# Other checks here report these in plainer words: about files, templates, the secret key and DEBUG.
_SAID_ELSEWHERE: Final = frozenset({"operations.W001", "core.W002", "security.W009", "security.W018"})
_ABOUT_HTTPS: Final = frozenset({"security.W004", "security.W008", "security.W012", "security.W016"})
# The start of placeholders that people forget to replace.
_EXAMPLES: Final = ("only-for", "change", "secret", "example", "password", "insecure", "unused")


def debug(options: CheckOptions) -> Iterator[Diagnosis]:
    if settings.DEBUG:
        yield Diagnosis.problem(
            _("DEBUG is on: errors show readers the code and the settings of this site."),
            _("Remove DEBUG from the settings, and restart the site."),
        )
    else:
        yield Diagnosis.ok(_("DEBUG is off."))


def secret_key(options: CheckOptions) -> Iterator[Diagnosis]:
    if _is_weak(settings.SECRET_KEY):
        yield Diagnosis.problem(
            _("SECRET_KEY can be guessed. With it, anyone can log in."),
            _(
                "Put a new one in the settings (“make secret-key” prints one), and restart the site. Everyone has to "
                "log in again."
            ),
        )
    if any(map(_is_weak, settings.SECRET_KEY_FALLBACKS)):
        yield Diagnosis.problem(
            _("SECRET_KEY_FALLBACKS contains a key that can be guessed. With it, anyone can log in."),
            _("Remove that key from the settings, and restart the site."),
        )
    if not any(map(_is_weak, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])):
        yield Diagnosis.ok(_("SECRET_KEY can't be guessed."))


def _is_weak(key: str) -> bool:
    is_short = len(key) < SECRET_KEY_MIN_LENGTH or len(set(key)) < SECRET_KEY_MIN_UNIQUE_CHARACTERS
    return is_short or key.startswith((SECRET_KEY_INSECURE_PREFIX, *_EXAMPLES))


def hosts(options: CheckOptions) -> Iterator[Diagnosis]:
    host = settings.SITE_HOST
    is_wrong = False
    if not validate_host(host, settings.ALLOWED_HOSTS):
        is_wrong = True
        yield Diagnosis.problem(
            _("The host of SITE_URL, %s, is not in ALLOWED_HOSTS, so readers only see an error.") % host,
            _("Add it to ALLOWED_HOSTS, or remove that setting. Then restart the site."),
        )
    if "*" in settings.ALLOWED_HOSTS:
        is_wrong = True
        yield Diagnosis.warning(
            _("ALLOWED_HOSTS allows any host, so attackers can insert their own links into pages."),
            _("List the hosts of the site there, or remove that setting. Then restart the site."),
        )
    if not settings.HTTPS and not _is_private(host):
        is_wrong = True
        yield Diagnosis.problem(
            _(
                "SITE_URL begins with http://, so anyone between readers and the server can see what they read and "
                "write here."
            ),
            _("Set up HTTPS, as docs/running.md describes, and make SITE_URL begin with https://."),
        )
    if not is_wrong:
        yield Diagnosis.ok(_("Readers reach the site at %s.") % settings.SITE_URL)


def proxy(options: CheckOptions) -> Iterator[Diagnosis]:
    is_behind_proxy = bool(settings.SECURE_PROXY_SSL_HEADER)
    if settings.HTTPS and not is_behind_proxy:
        yield Diagnosis.warning(
            _("SITE_URL begins with https://, but BEHIND_PROXY is off. Behind nginx or Caddy, no page can be opened."),
            _("Set BEHIND_PROXY=1, if nginx or Caddy handles HTTPS. Then restart the site."),
        )
    elif is_behind_proxy and not settings.BROADSIDE_TRUSTED_PROXIES:
        yield Diagnosis.warning(
            _("TRUSTED_PROXIES is 0, so all readers count as one when comments and logins are limited."),
            _("Set TRUSTED_PROXIES=1, if only nginx or Caddy is in front. Then restart the site."),
        )
    else:
        # Whether this is so can't be seen from here, so the owner has to compare.
        count: int = settings.BROADSIDE_TRUSTED_PROXIES
        text = ngettext(
            "The settings are right if exactly %d proxy is in front of the site (TRUSTED_PROXIES).",
            "The settings are right if exactly %d proxies are in front of the site (TRUSTED_PROXIES).",
            count,
        )
        yield Diagnosis.ok(text % count)


def _is_private(host: str) -> bool:
    """Return whether no one can eavesdrop on the way to this host: it is this machine, or an onion service."""
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith((".onion", ".localhost"))


def deployment(options: CheckOptions) -> Iterator[Diagnosis]:
    found = checks.run_checks(include_deployment_checks=True)
    # `hosts` reports whether HTTPS is missing, so warnings that follow from it are ignored.
    ignored = _SAID_ELSEWHERE if settings.HTTPS else _SAID_ELSEWHERE | _ABOUT_HTTPS
    serious = [
        each for each in found if each.level >= checks.WARNING and not each.is_silenced() and each.id not in ignored
    ]
    if serious:
        text = ngettext(
            "Django warns about %(count)d setting: %(what)s",
            "Django warns about %(count)d settings: %(what)s",
            len(serious),
        ) % {"count": len(serious), "what": " ".join(f"{each.msg} ({each.id})" for each in serious)}
        advice = " ".join(dict.fromkeys(each.hint for each in serious if each.hint))
        yield Diagnosis.warning(text, advice or _("Run “manage.py check --deploy”."))
    else:
        yield Diagnosis.ok(_("Django finds no problem with the settings."))


def templates(options: CheckOptions) -> Iterator[Diagnosis]:
    found = compile_templates()
    advice = _("Correct or delete it in %s, then restart the site. See docs/appearance.md.") % found.folder
    yield from (Diagnosis.warning(problem, advice) for problem in found.problems)
    if not found.problems:
        text = ngettext("%d template of this site can be used.", "%d templates of this site can be used.", found.count)
        yield Diagnosis.ok(text % found.count if found.count else _("The site has no templates of its own."))

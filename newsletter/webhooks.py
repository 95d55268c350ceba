"""Bounces and complaints that the mail provider reports to a URL of this site, parsed by django-anymail.

They have the same effect as reports in the mailbox (newsletter.returns). Nothing else in a report is kept: no IP
address, and not who opens an e-mail or follows a link.
"""

import datetime as dt
import logging
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter import returns, subscriptions
from newsletter.models import Delivery, Suppression

# The user name of providers that don't sign their reports. The secret is its password.
USER: Final = "broadside"
# By provider: whether a report says that there is no such address. Used only if the report has no status code.
_SAYS_NO_SUCH_ADDRESS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "brevo": lambda report: report.get("event") in ("hard_bounce", "invalid_email"),
    "mailgun": lambda report: report.get("event-data", {}).get("reason") in ("bounce", "suppress-bounce"),
    "mailjet": lambda report: report.get("hard_bounce") is True,
    "postmark": lambda report: report.get("Type", report.get("SuppressionReason")) in ("HardBounce", "BadEmailAddress"),
}
PROVIDERS: Final = frozenset(_SAYS_NO_SUCH_ADDRESS)
# A status code in a mail server's reply that is not part of an IP address.
_STATUS: Final = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_NO_SUCH_ADDRESS: Final = "5.1.1"
# The clocks of the provider and of this site may differ by this much.
_TOLERANCE: Final = dt.timedelta(minutes=5)

_log = logging.getLogger(__name__)


def is_on() -> bool:
    """Whether a provider reports to this site."""
    return bool(settings.BROADSIDE_BOUNCE_WEBHOOK)


@csrf_exempt
@never_cache
@require_http_methods(["HEAD", "POST"])
def receive(request: HttpRequest) -> HttpResponse:
    """Accept reports of the provider, which knows the secret. Idempotent: repeated reports change nothing."""
    if request.method == "HEAD":
        # Some providers check that the URL exists.
        return HttpResponse()
    view = _view()
    try:
        view.run_validators(request)
        events = [_check(event) for event in view.parse_events(request)]
    except SuspiciousOperation:
        return HttpResponse("The secret is wrong, or missing.", status=403, content_type="text/plain")
    except Exception as error:  # noqa: BLE001  # a report that is not as documented may cause anything
        _log.warning("A report of the mail provider could not be read (%s).", type(error).__name__)
        return HttpResponse("This is not a report of the provider.", status=400, content_type="text/plain")
    for event in events:
        _handle(event)
    return HttpResponse()


def _view() -> Any:
    """Return the view of django-anymail that knows the provider's secret and the format of its reports."""
    provider, secret = settings.BROADSIDE_BOUNCE_WEBHOOK, settings.BROADSIDE_BOUNCE_WEBHOOK_SECRET
    module = import_module(f"anymail.webhooks.{provider}")
    view = getattr(module, f"{provider.title()}TrackingWebhookView")
    return view(webhook_signing_key=secret) if provider == "mailgun" else view(webhook_secret=f"{USER}:{secret}")


def _check(event: Any) -> Any:
    """Return the event with a timestamp that has a time zone. Raises TypeError if it is malformed."""
    if not isinstance(event.recipient, str | None) or not isinstance(event.timestamp, dt.datetime | None):
        raise TypeError("The report's address or time is malformed.")
    event.timestamp = event.timestamp or timezone.now()
    if timezone.is_naive(event.timestamp):
        event.timestamp = timezone.make_aware(event.timestamp, dt.UTC)
    return event


def _handle(event: Any) -> None:
    match event.event_type, event.reject_reason:
        case (("opened" | "clicked"), _):
            _warn_of_tracking()
        case ("complained", _) | ("rejected", "spam"):
            if found := _find(event):
                found.subscriber.suppress(Suppression.COMPLAINED)
        case ("unsubscribed", _) | ("rejected", "unsubscribed"):
            if found := _find(event):
                subscriptions.end(found.subscriber)
        case (("bounced" | "rejected"), _):
            if found := _find(event):
                returns.bounce(found, _statuses(event))


def _find(event: Any) -> Delivery | None:
    """Return the last delivery to this address before the event; None if its owner has confirmed it since."""
    # PostgreSQL refuses to look for NUL.
    email = (event.recipient or "").replace("\0", "").strip().lower()
    sent = Delivery.objects.filter(subscriber__email=email, sent_at__lte=event.timestamp + _TOLERANCE)
    found = sent.select_related("subscriber").order_by("-sent_at", "-pk").first()
    if found and found.subscriber.subscriptions.filter(confirmed_at__gt=event.timestamp + _TOLERANCE).exists():
        return None
    return found


def _statuses(event: Any) -> list[str]:
    """Return the mail server's status codes (RFC 3463), or else one that corresponds to the provider's report."""
    said = _STATUS.findall(f"{event.mta_response or ''} {event.description or ''}")
    is_hard = event.reject_reason == "invalid" or _SAYS_NO_SUCH_ADDRESS[settings.BROADSIDE_BOUNCE_WEBHOOK](
        event.esp_event
    )
    return said or ([_NO_SUCH_ADDRESS] if is_hard else [""])


@cache
def _warn_of_tracking() -> None:
    _log.warning(
        "The mail provider reports who opens e-mails or follows their links. Nothing of that is kept. Turn it off "
        "there, as docs/maintaining.md says."
    )

"""Bounces and complaints reported by a mail provider's webhook have the same effect as those in the mailbox.

Nothing else in the reports is stored. They are as the providers document them, with addresses and texts of our own.
"""

import datetime as dt
import hashlib
import hmac
import importlib
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from config.mail import bounce_webhook
from core.registry import check_registries
from mail import delivery
from newsletter import urls, webhooks
from newsletter.models import Delivery, Subscriber, Subscription
from tests.factories.newsletter import move_marks, news, subscribe, turn_on
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

ADDRESS = "amina@example.org"
SECRET = "only-for-tests-0123"
URL = "/follow-by-email/bounces/"
PROVIDERS = sorted(webhooks.PROVIDERS)
KINDS = ("hard", "soft", "complaint", "unsubscribed", "delivered", "opened", "clicked")

type Post = Callable[..., HttpResponse]

urlpatterns = [path(URL[1:], webhooks.receive), path("", include("config.urls"))]


def postmark(kind: str, email: str, at: dt.datetime) -> Any:
    bounce: dict[str, Any] = {
        "RecordType": "Bounce",
        "ID": 42,
        "MessageID": "883953f4",
        "Email": email,
        "BouncedAt": at.isoformat(),
    }
    soft = {"Type": "SoftBounce", "TypeCode": 4096, "Details": "smtp;452 4.2.2 The mailbox is full"}
    opened = {"MessageID": "883953f4", "Recipient": email, "ReceivedAt": at.isoformat(), "UserAgent": "Secret/1.0"}
    return {
        "hard": bounce | {"Type": "HardBounce", "TypeCode": 1, "Details": "smtp;550 5.1.1 No such user"},
        "soft": bounce | soft,
        "complaint": bounce | {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 512},
        "unsubscribed": {
            "RecordType": "SubscriptionChange",
            "Recipient": email,
            "ChangedAt": at.isoformat(),
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
        "delivered": {"RecordType": "Delivery", "Recipient": email, "DeliveredAt": at.isoformat()},
        "opened": opened | {"RecordType": "Open", "Geo": {"IP": "192.0.2.7"}},
        "clicked": opened
        | {"RecordType": "Click", "OriginalLink": "https://blog.example/", "Geo": {"IP": "192.0.2.7"}},
    }[kind]


def mailgun(kind: str, email: str, at: dt.datetime) -> Any:
    failed: dict[str, Any] = {"event": "failed", "severity": "permanent", "reason": "bounce"}
    event = {
        "hard": failed | {"delivery-status": {"code": 550, "message": "5.1.1 There is no such user here"}},
        "soft": failed | {"reason": "generic", "delivery-status": {"code": 552, "message": "5.2.2 It is full"}},
        "complaint": {"event": "complained"},
        "unsubscribed": {"event": "unsubscribed", "ip": "192.0.2.7"},
        "delivered": {"event": "delivered"},
        "opened": {"event": "opened", "ip": "192.0.2.7", "client-info": {"user-agent": "Secret/1.0"}},
        "clicked": {"event": "clicked", "ip": "192.0.2.7", "url": "https://blog.example/"},
    }[kind]
    headers = {"message": {"headers": {"message-id": "newsletter-1-1@testserver", "to": email}}}
    data = event | headers | {"recipient": email, "timestamp": at.timestamp(), "id": "Ase7i2zsRYeDXztHGENqRA"}
    return {"signature": signature(), "event-data": data}


def signature(secret: str = SECRET) -> dict[str, str]:
    timestamp, token = "1529006854", "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    mac = hmac.new(secret.encode(), f"{timestamp}{token}".encode(), hashlib.sha256)
    return {"timestamp": timestamp, "token": token, "signature": mac.hexdigest()}


def brevo(kind: str, email: str, at: dt.datetime) -> Any:
    events = {
        "hard": {"event": "hard_bounce", "reason": "550 5.1.1 There is no such user"},
        "soft": {"event": "soft_bounce", "reason": "452 4.2.2 The mailbox is full"},
        "complaint": {"event": "spam"},
        "unsubscribed": {"event": "unsubscribe"},
        "delivered": {"event": "delivered"},
        "opened": {"event": "unique_opened", "ip": "192.0.2.7", "user_agent": "Secret/1.0"},
        "clicked": {"event": "click", "link": "https://blog.example/", "ip": "192.0.2.7"},
    }
    when = {"ts": 1604933619, "ts_epoch": at.timestamp() * 1000}
    return events[kind] | when | {"email": email, "id": 26224, "message-id": "<newsletter-1-1@testserver>"}


def mailjet(kind: str, email: str, at: dt.datetime) -> Any:
    bounce: dict[str, Any] = {"event": "bounce", "blocked": False, "error_related_to": "recipient"}
    event = {
        "hard": bounce | {"hard_bounce": True, "error": "user unknown"},
        "soft": bounce | {"hard_bounce": False, "error": "quota exceeded"},
        "complaint": {"event": "spam", "source": "JMRPP"},
        "unsubscribed": {"event": "unsub", "ip": "192.0.2.7", "agent": "Secret/1.0"},
        "delivered": {"event": "sent", "smtp_reply": "sent (250 2.0.0 OK)"},
        "opened": {"event": "open", "ip": "192.0.2.7", "agent": "Secret/1.0"},
        "clicked": {"event": "click", "url": "https://blog.example/", "ip": "192.0.2.7"},
    }[kind]
    return [event | {"time": int(at.timestamp()), "email": email, "MessageID": 19421777835146490, "Payload": ""}]


REPORTS = {"brevo": brevo, "mailgun": mailgun, "mailjet": mailjet, "postmark": postmark}


def report(provider: str, kind: str, email: str = ADDRESS, *, ago: dt.timedelta = dt.timedelta()) -> Any:
    return REPORTS[provider](kind, email, timezone.now() - ago)


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture(scope="class")
def _urls() -> Iterator[None]:
    """The URLs of a site with a webhook. Once per class, because Django rebuilds all patterns after each change."""
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture(params=PROVIDERS)
def provider(_urls: None, request: pytest.FixtureRequest, settings: Settings) -> str:
    """A provider that reports to the site."""
    name: str = request.param
    settings.BROADSIDE_BOUNCE_WEBHOOK, settings.BROADSIDE_BOUNCE_WEBHOOK_SECRET = name, SECRET
    webhooks._warn_of_tracking.cache_clear()
    return name


@pytest.fixture
def post(provider: str, client: Client) -> Post:
    """Return a function that posts a body to the webhook as the provider does."""

    def post(body: Any, *, authorization: str = basic("broadside", SECRET)) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if provider == "mailgun" or not authorization else {"Authorization": authorization}
        return client.post(URL, content, content_type="application/json", headers=headers)  # type: ignore[return-value]  # the test client's response

    return post


@pytest.fixture(scope="class")
def sent(class_db: None) -> EmailMessage:
    """An e-mail to a subscriber, who confirmed the address some time ago."""
    turn_on()
    subscribe(ADDRESS)
    Subscription.objects.update(confirmed_at=timezone.now() - dt.timedelta(days=10))
    news()
    delivery.deliver()
    return mail.outbox[-1]


def suppression() -> str:
    return Subscriber.objects.get(email=ADDRESS).suppression


@pytest.mark.usefixtures("sent")
class TestReports:
    def test_a_hard_bounce_suppresses_the_address(self, post: Post, provider: str, mailed: Deliver) -> None:
        for _ in range(2):
            assert post(report(provider, "hard", "Amina@Example.org")).status_code == 200
            assert suppression() == "refused"
        move_marks(minutes=11)
        news()
        assert mailed() == []

    def test_soft_bounces_suppress_it_after_three_emails_in_a_row(
        self, post: Post, provider: str, mailed: Deliver
    ) -> None:
        for _ in range(2):
            for _ in range(3):
                # Several reports about the same e-mail count once.
                post(report(provider, "soft"))
            assert suppression() == ""
            move_marks(minutes=11)
            news()
            assert len(mailed()) == 1
        post(report(provider, "soft"))
        assert suppression() == "refused"

    def test_a_complaint_suppresses_it_for_good(self, post: Post, provider: str) -> None:
        post(report(provider, "complaint"))
        post(report(provider, "hard"))
        assert suppression() == "complained"

    def test_unsubscribing_at_the_provider_deletes_the_subscriber(self, post: Post, provider: str) -> None:
        assert post(report(provider, "unsubscribed")).status_code == 200
        assert not Subscriber.objects.exists()
        assert post(report(provider, "unsubscribed")).status_code == 200

    @pytest.mark.parametrize("kind", ["delivered", "opened", "clicked"])
    def test_about_delivery_opens_and_clicks_change_nothing(
        self, kind: str, post: Post, provider: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        before = list(Subscriber.objects.values()), list(Delivery.objects.values())
        for _ in range(2):
            assert post(report(provider, kind)).status_code == 200
        assert (list(Subscriber.objects.values()), list(Delivery.objects.values())) == before
        warnings = [record for record in caplog.records if record.name == "newsletter.webhooks"]
        assert len(warnings) == (kind != "delivered")

    def test_log_no_personal_data(self, post: Post, provider: str, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            for kind in KINDS:
                post(report(provider, kind))
        for secret in (ADDRESS, "192.0.2.7", "Secret/1.0", SECRET):
            assert secret not in caplog.text

    def test_about_other_addresses_do_nothing(self, post: Post, provider: str) -> None:
        for kind in KINDS:
            assert post(report(provider, kind, "someone@example.net")).status_code == 200
        assert suppression() == ""

    def test_from_before_the_first_email_do_nothing(self, post: Post, provider: str) -> None:
        for kind in KINDS:
            post(report(provider, kind, ago=dt.timedelta(hours=1)))
        assert suppression() == ""
        assert Delivery.objects.get().bounced_at is None

    def test_repeated_after_the_address_was_confirmed_again_do_nothing(self, post: Post, provider: str) -> None:
        Delivery.objects.update(sent_at=timezone.now() - dt.timedelta(days=2))
        old = [report(provider, kind, ago=dt.timedelta(days=1)) for kind in ("hard", "complaint", "unsubscribed")]
        Subscription.objects.update(confirmed_at=timezone.now())
        for each in old:
            assert post(each).status_code == 200
        assert suppression() == ""

    def test_repeated_for_the_same_email_count_once(self, post: Post, provider: str, mailed: Deliver) -> None:
        Delivery.objects.update(sent_at=timezone.now() - dt.timedelta(days=1))
        old = report(provider, "soft", ago=dt.timedelta(hours=23))
        for _ in range(3):
            post(old)
            move_marks(minutes=11)
            news()
            mailed()
        assert suppression() == ""
        assert Delivery.objects.exclude(bounced_at=None).count() == 1


class TestStatuses:
    @pytest.mark.parametrize(
        ("details", "kind", "expected"),
        [
            ("smtp;550 5.1.1 No such user", "HardBounce", "refused"),
            # The provider calls the bounce hard, but the address exists.
            ("smtp;550 5.7.1 Looks like spam", "HardBounce", ""),
            ("", "HardBounce", "refused"),
            ("smtp;550 from 5.1.1.9", "SoftBounce", ""),
            ("", "BadEmailAddress", "refused"),
            ("", "Blocked", ""),
            ("", "Transient", ""),
            ("", "AutoResponder", ""),
        ],
    )
    @pytest.mark.parametrize("provider", ["postmark"], indirect=True)
    def test_count_as_in_the_mailbox(
        self, details: str, kind: str, expected: str, post: Post, sent: EmailMessage
    ) -> None:
        post(report("postmark", "hard") | {"Details": details, "Type": kind})
        assert suppression() == expected


@pytest.mark.usefixtures("sent")
class TestHostileRequests:
    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            basic("broadside", "wrong"),
            basic("broadside", ""),
            basic("", SECRET),
            basic("broadside", f"{SECRET}x"),
            "Basic nonsense",
            f"Bearer {SECRET}",
        ],
    )
    def test_without_the_secret_are_refused(self, authorization: str, post: Post, provider: str) -> None:
        body = report(provider, "hard")
        if provider == "mailgun":
            body["signature"] = signature("another-secret-0123")
        response = post(body, authorization=authorization)
        assert response.status_code == 403
        assert suppression() == ""
        assert response.cookies == {}

    @pytest.mark.parametrize(
        "change",
        [
            {"signature": {}},
            {"signature": None},
            {"signature": "x"},
            {"signature": signature() | {"timestamp": "1"}},
            {},
        ],
    )
    @pytest.mark.parametrize("provider", ["mailgun"], indirect=True)
    def test_with_another_signature_are_refused(self, change: Any, post: Post) -> None:
        body = report("mailgun", "hard")
        del body["signature"]
        assert post(body | change).status_code in {400, 403}
        assert suppression() == ""

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b"[[]]", b'{"a": 1}', b"[" * 9000]
    )
    def test_that_are_not_reports_do_nothing(self, body: bytes, post: Post) -> None:
        assert post(body).status_code in {200, 400, 403}
        assert suppression() == ""

    @pytest.mark.parametrize("value", [None, 7, [], {}, "", "x" * 100_000, "a\0@example.org", 1e308, -1])
    def test_with_unexpected_values_cause_no_error(self, value: Any, post: Post, provider: str) -> None:
        (body,) = whole if isinstance(whole := report(provider, "hard"), list) else [whole]
        inner = body.get("event-data", body)
        for name in inner:
            changed = {**inner, name: value}
            sent = changed if inner is body else {**body, "event-data": changed}
            assert post(sent).status_code in {200, 400}

    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    @given(st.binary(max_size=200))
    def test_with_garbage_cause_no_error(self, post: Post, body: bytes) -> None:
        assert post(body).status_code in {200, 400, 403}

    def test_get_no_cookie_and_are_not_cached(self, post: Post, provider: str, client: Client) -> None:
        response = post(report(provider, "delivered"))
        assert response.cookies == {}
        assert "no-store" in response.headers["Cache-Control"]
        assert response.content == b""

    def test_only_post_does_anything(self, provider: str, client: Client) -> None:
        assert client.get(URL).status_code == 405
        # Some providers check whether the URL exists.
        assert client.head(URL).status_code == 200
        assert client.post(URL).status_code == 403


class TestSettings:
    def test_without_a_provider_the_url_does_not_exist(self, client: Client) -> None:
        assert client.post(URL, b"{}", content_type="application/json").status_code == 404

    def test_with_a_provider_the_url_exists(self, settings: Settings) -> None:
        settings.BROADSIDE_BOUNCE_WEBHOOK = "postmark"
        found = importlib.reload(urls)
        assert f"/{found.urlpatterns[-1].pattern}" == URL
        settings.BROADSIDE_BOUNCE_WEBHOOK = ""
        assert f"/{importlib.reload(urls).urlpatterns[-1].pattern}" != URL

    @pytest.mark.parametrize(("provider", "secret"), [("", ""), ("postmark", SECRET), ("mailgun", "a" * 32)])
    def test_are_accepted_if_valid(self, provider: str, secret: str) -> None:
        assert bounce_webhook(provider, secret) == (provider, secret)

    @pytest.mark.parametrize(
        ("provider", "secret"),
        [("sendgrid", SECRET), ("postmark", ""), ("brevo", "short"), ("brevo", "a/b@c:d?e#f g h i")],
    )
    def test_are_refused_if_invalid_without_revealing_the_secret(self, provider: str, secret: str) -> None:
        with pytest.raises(ImproperlyConfigured) as caught:
            bounce_webhook(provider, secret)
        assert not secret or secret not in str(caught.value)

    def test_accept_every_supported_provider(self) -> None:
        for provider in PROVIDERS:
            assert bounce_webhook(provider, SECRET)[0] == provider
        assert set(REPORTS) == set(PROVIDERS)

    def test_require_the_anymail_package(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.BROADSIDE_BOUNCE_WEBHOOK = "postmark"
        assert check_registries() == []
        monkeypatch.setattr("core.optional_packages.find_spec", lambda name: None)
        (found,) = check_registries()
        assert "anymail" in found.msg

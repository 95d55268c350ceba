"""Subscribers are imported from other services, if they confirm, and can be exported."""

import csv
import datetime as dt
import io
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditRecord
from mail import messages as mail_messages
from newsletter import subscriptions, tasks, transfer
from newsletter.models import NewsletterSettings, Subscriber, Subscription, SubscriptionRequest
from tests.factories import TagFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.newsletter import subscribe
from tests.factories.responses import links
from tests.factories.types import AtOnce, Deliver

pytestmark = pytest.mark.django_db

DAY = dt.date(2020, 5, 1)
IMPORT = "/admin/newsletter/issue/import/"
EXPORT = "/admin/newsletter/issue/export/"
# Shortened exports of these services.
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME\n"
    '"Ann@Example.org","Ann","Lee",2,"2020-01-01 10:00:00","2020-01-01 10:01:00"\n'
    "ben@example.org,Ben,,2,,2020-01-02 10:01:00\n"
)
GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
    "1,ann@example.org,Ann,,true,false,,2020-01-01T10:00:00.000Z,,,\n"
    "2,left@example.org,Left,,false,false,,2020-01-01T10:00:00.000Z,,,\n"
    "3,gone@example.org,Gone,,true,false,,2020-01-01T10:00:00.000Z,2021-01-01T10:00:00.000Z,,\n"
)
WORDPRESS = (
    "\ufeffemail_address,name,subscription_status,date_subscribed\n"
    "ann@example.org,Ann,Subscribed,2020-01-01\n"
    "left@example.org,Left,Unsubscribed,2020-01-01\n"
)


@pytest.fixture
def owner() -> Client:
    return client_of(UserFactory.create(is_staff=True, is_superuser=True))


def upload(client: Client, text: str | bytes, **values: Any) -> Any:
    data = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("subscribers.csv", data, content_type="text/csv")
    form = {"file": file, "stated_on": "2020-05-01", "frequency": "weekly", **values}
    return client.post(IMPORT, form, follow=True)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "addresses", "left"),
        [
            (MAILCHIMP, ["ann@example.org", "ben@example.org"], 0),
            (GHOST, ["ann@example.org"], 2),
            (WORDPRESS, ["ann@example.org"], 1),
            ("Email;Name\nann@example.org;Ann\n", ["ann@example.org"], 0),
            ("email\nann@example.org\nANN@example.org\n\n", ["ann@example.org"], 0),
        ],
    )
    def test_exports_of_other_services_are_understood(self, text: str, addresses: list[str], left: int) -> None:
        found = transfer.read(text.encode())
        assert found.addresses == addresses
        assert found.left_count == left
        assert found.invalid_count == 0

    def test_lines_without_an_address_are_counted(self) -> None:
        found = transfer.read(b"name,email\nann\nben,ben@\n,\nx,a@example.org\ny," + b"a" * 300 + b"@example.org\n")
        assert (found.addresses, found.invalid_count) == (["a@example.org"], 4)

    @pytest.mark.parametrize("data", [b"", b"name\nann\n", b"\xff\xfe\x00", b'email\n"' + b"a" * 200_000, b"\x00"])
    def test_other_files_are_refused(self, data: bytes) -> None:
        with pytest.raises(transfer.UnreadableFileError):
            transfer.read(data)


class TestImporting:
    def test_everyone_is_invited_and_only_those_who_confirm_are_subscribed(
        self, owner: Client, mailed: Deliver
    ) -> None:
        response = upload(owner, MAILCHIMP)
        assert "2 people will be asked by e-mail." in response.content.decode()
        messages = mailed()
        assert sorted(message.to[0] for message in messages) == ["ann@example.org", "ben@example.org"]
        assert "May 1, 2020" in messages[0].body
        assert "Lee" not in messages[0].body
        assert not Subscriber.objects.exists()
        (link,) = [link for link in links(messages[0]) if "/confirm/" in link]
        Client().post(link)
        assert Subscription.objects.get().frequency == "weekly"

    @pytest.mark.parametrize("how", ["off", "no mail server"])
    def test_nothing_is_imported_while_no_one_can_be_invited(
        self, owner: Client, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if how == "off":
            NewsletterSettings.objects.update(is_on=False)
        else:
            monkeypatch.setattr(mail_messages, "is_on", lambda: False)
        for response in (owner.get(IMPORT, follow=True), upload(owner, MAILCHIMP)):
            assert response.redirect_chain == [("/admin/newsletter/issue/", 302)]
            content = response.content.decode()
            assert "Then import the file." in content
            assert "will be asked" not in content
        assert not SubscriptionRequest.objects.exists()

    def test_no_one_is_invited_twice_or_while_already_subscribed(self, owner: Client, mailed: Deliver) -> None:
        subscribe("ben@example.org")
        upload(owner, MAILCHIMP)
        assert len(mailed()) == 1
        upload(owner, MAILCHIMP)
        assert mailed() == []

    @pytest.mark.django_db(transaction=True)
    def test_a_double_click_asks_everyone_once(self, at_once: AtOnce) -> None:
        addresses = [f"a{index}@example.org" for index in range(300)]
        assert sum(at_once(*[lambda: transfer.invite(addresses, "daily", DAY)] * 2)) == 300
        assert SubscriptionRequest.objects.count() == 300

    def test_addresses_are_deleted_after_a_month(self, owner: Client, mailed: Deliver) -> None:
        upload(owner, MAILCHIMP)
        message, _other = mailed()
        (link,) = [link for link in links(message) if "/confirm/" in link]
        SubscriptionRequest.objects.update(requested_at=timezone.now() - dt.timedelta(days=29))
        tasks.tidy_newsletter.func()
        assert Client().get(link).status_code == 200
        SubscriptionRequest.objects.update(requested_at=timezone.now() - dt.timedelta(days=31))
        assert Client().get(link).status_code == 410
        tasks.tidy_newsletter.func()
        assert not SubscriptionRequest.objects.exists()

    def test_no_one_is_invited_who_has_subscribed_in_the_meantime(self, mailed: Deliver) -> None:
        transfer.invite(["amina@example.org"], "daily", DAY)
        subscribe("amina@example.org")
        assert mailed() == []

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("name\nann\n", {}),
            (MAILCHIMP, {"stated_on": ""}),
            (MAILCHIMP, {"stated_on": "2999-01-01"}),
            (MAILCHIMP, {"frequency": "hourly"}),
        ],
    )
    def test_errors_are_reported_and_no_one_is_invited(self, owner: Client, text: str, values: dict[str, str]) -> None:
        response = upload(owner, text, **values)
        assert response.status_code == 400
        assert "errorlist" in response.content.decode()
        assert not SubscriptionRequest.objects.exists()


class TestExporting:
    def test_all_subscriptions_are_in_a_file_that_can_be_imported(self, owner: Client) -> None:
        subscribe("ann@example.org", "daily")
        subscribe("ann@example.org", tag=TagFactory.create(name="Peace"))
        subscribe("=cmd@example.org")
        Subscriber.objects.filter(email="=cmd@example.org").update(
            suppression="complained", suppressed_at=timezone.now()
        )
        subscribe("-ben@example.org")
        subscribe("refused@example.org")
        Subscriber.objects.filter(email="refused@example.org").update(
            suppression="refused", suppressed_at=timezone.now()
        )
        response = owner.post(EXPORT)
        text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming response has it
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["email"], row["status"]) for row in rows] == [
            ("ann@example.org", "subscribed"),
            ("ann@example.org", "subscribed"),
            ("'=cmd@example.org", "complained"),
            ("'-ben@example.org", "subscribed"),
            ("refused@example.org", "refused"),
        ]
        assert "Peace" in rows[1]["follows"]
        # Suppressed addresses are not invited.
        found = transfer.read(text.encode())
        assert found.addresses == ["-ben@example.org", "ann@example.org"]
        assert (found.left_count, found.invalid_count) == (2, 0)

    def test_only_owners_can_import_and_export(self) -> None:
        editor = client_of(UserFactory.create(role="Editor"))
        assert editor.get("/admin/newsletter/issue/").status_code == 200
        assert editor.get(IMPORT).status_code == editor.post(EXPORT).status_code == 403

    def test_owners_confirm_who_they_are_before_an_export(self, owner: Client) -> None:
        session = owner.session
        session["confirmed_at"] = 0
        session.save()
        assert owner.post(EXPORT)["Location"] == f"/admin/account/confirm/?next={quote(EXPORT, safe='')}"
        assert not AuditRecord.objects.filter(action="disclosed").exists()

    def test_an_export_requires_a_post_request(self, owner: Client) -> None:
        assert owner.get(EXPORT).status_code == 405


def test_invitations_respect_the_limits_of_domains() -> None:
    request = SubscriptionRequest(email="a@slow.example", consent_stated_on=DAY)
    assert request.paced_domain == "slow.example"
    assert SubscriptionRequest(email="a@slow.example").paced_domain == ""
    assert subscriptions.may_be_invited(request)

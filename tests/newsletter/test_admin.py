"""Staff see how many people follow the blog and what was sent, but no addresses."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.dates import format_datetime
from mail import messages
from newsletter import issues
from newsletter.models import NewsletterSettings, Subscriber
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.newsletter import news, subscribe
from tests.factories.responses import read
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

LIST = "/admin/newsletter/issue/"


def page_text() -> str:
    client = client_of(UserFactory.create(role="Editor"))
    return " ".join(read(client.get(LIST)).text_content().split())


def test_the_page_has_numbers_and_no_addresses(mailed: Deliver) -> None:
    subscribe("a@example.org")
    subscribe("b@example.org", "weekly", tag=TagFactory.create())
    subscribe("c@example.org", "daily")
    Subscriber.objects.filter(email="c@example.org").update(suppression="refused", suppressed_at="2020-01-01T00:00Z")
    news(title="A paper")
    mailed()
    text = page_text()
    assert "Newsletter Subscribers 2 people follow the blog." in text
    assert "1 address gets no more e-mails, because one bounced or was reported as spam." in text
    assert "All posts 100" in text
    assert "A tag 001" in text
    assert "A paper" in text
    assert "@example.org" not in text


def test_a_table_without_followers_is_left_out() -> None:
    text = page_text()
    assert "0 people follow the blog." in text
    assert "What they follow" not in text


@pytest.mark.parametrize("has_worker_run", [True, False])
def test_the_page_says_when_the_next_emails_are_sent(
    mailed: Deliver, monkeypatch: pytest.MonkeyPatch, has_worker_run: bool
) -> None:
    NewsletterSettings.objects.update(hour=9, weekday=0)
    subscribe("a@example.org")
    subscribe("b@example.org", "weekly")
    if has_worker_run:
        mailed()
        # Too late to be mailed.
        news(ago=dt.timedelta(days=1))
    news(password="secret")
    PostFactory.create(status="draft")
    assert "Next e-mail – – –" in page_text()
    friday = timezone.localdate() + dt.timedelta(days=400 - (timezone.localdate().weekday() + 3 + 400) % 7)
    times = [dt.datetime.combine(friday + dt.timedelta(days=days), dt.time(9), dt.UTC) for days in (0, 3)]
    news(published_at=times[0])
    # No one gets a daily e-mail.
    now, monday = (format_datetime(time + issues.SETTLE) for time in times)
    assert f"Next e-mail {now} – {monday} Times are in UTC." in page_text()
    monkeypatch.setattr(messages, "is_on", lambda: False)
    assert "Next e-mail" not in page_text()


def test_titles_are_isolated_from_text_in_the_other_direction(mailed: Deliver) -> None:
    subscribe("a@example.org", "daily")
    news(title="A paper")
    news(title="ورقة")
    mailed()
    titles = read(client_of(UserFactory.create(role="Editor")).get(LIST)).xpath(
        '//*[contains(@class, "field-posts")]/bdi'
    )
    assert {title.text for title in titles} == {"A paper", "ورقة"}


def test_the_bodies_of_the_posts_are_not_loaded(mailed: Deliver) -> None:
    subscribe("a@example.org")
    news(title="A paper")
    mailed()
    with CaptureQueriesContext(connection) as queries:
        assert "A paper" in page_text()
    assert not any("body_html" in query["sql"] for query in queries)


def test_the_page_says_why_no_emails_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no e-mails are sent" not in page_text()
    monkeypatch.setattr(messages, "is_on", lambda: False)
    assert "No mail server is set up, so no e-mails are sent." in page_text()
    NewsletterSettings.objects.update(is_on=False)
    assert "turned off, so no e-mails are sent" in page_text()


def test_turning_it_on_without_a_mail_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = client_of(UserFactory.create(is_staff=True, is_superuser=True))
    url = "/admin/newsletter/newslettersettings/1/change/"

    def messages_after_saving(**fields: str) -> str:
        return owner.post(url, {**fields, "hour": "8", "weekday": "4"}, follow=True).content.decode()

    assert "No mail server" not in messages_after_saving(is_on="on")
    monkeypatch.setattr(messages, "is_on", lambda: False)
    text = messages_after_saving(is_on="on")
    assert text.index("Settings saved.") < text.index("No mail server is set up, so nothing is sent. Set EMAIL_URL.")
    assert "No mail server" not in messages_after_saving()


def test_the_owner_turns_it_on_and_off() -> None:
    NewsletterSettings.objects.update(is_on=False, on_since=None)
    owner = client_of(UserFactory.create(is_staff=True, is_superuser=True))
    url = "/admin/newsletter/newslettersettings/1/change/"
    assert owner.post(url, {"is_on": "on", "hour": "8", "weekday": "4"}).status_code == 302
    settings = NewsletterSettings.objects.get()
    assert (settings.is_on, settings.hour, settings.weekday) == (True, 8, 4)
    assert settings.on_since is not None
    assert owner.post(url, {"is_on": "on", "hour": "24", "weekday": "4"}).status_code == 200
    owner.post(url, {"hour": "8", "weekday": "4"})
    assert NewsletterSettings.objects.get().on_since is None

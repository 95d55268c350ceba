"""The calendar of scheduled and published posts in the admin."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from blog.models import Status
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, user_in_role
from tests.factories.database import executed_statements
from tests.factories.models import at
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

CALENDAR = "/admin/blog/post/calendar/"


@pytest.fixture
def client() -> Client:
    return client_of(UserFactory(role="Editor"))


def days(client: Client, month: str) -> dict[str, list[str]]:
    """Return the posts of each day that has any, as the calendar shows them."""
    page = read(client.get(CALENDAR, {"month": month}))
    cells = find(page, "table.calendar td")
    shown = {str(one(cell, "time").get("datetime")): [text(link) for link in find(cell, "li")] for cell in cells}
    return {day: posts for day, posts in shown.items() if posts}


class TestMonth:
    def test_shows_posts_on_their_days_in_order(self, client: Client) -> None:
        for title, time in (("noon", at(2031, 7, 1, 12)), ("morning", at(2031, 7, 1, 8)), ("end", at(2031, 7, 31, 23))):
            PostFactory(title=title, published_at=time)
        PostFactory(published_at=at(2031, 7, 2), status=Status.DRAFT)
        PostFactory(published_at=at(2031, 9, 1))
        assert days(client, "2031-07") == {
            "2031-07-01": ["08:00 morning (scheduled)", "12:00 noon (scheduled)"],
            "2031-07-31": ["23:00 end (scheduled)"],
        }

    def test_links_to_the_form(self, client: Client) -> None:
        post = PostFactory(published_at=at(2019, 10, 22))
        page = read(client.get(CALENDAR, {"month": "2019-10"}))
        assert [link.get("href") for link in find(page, "table.calendar li a")] == [admin_url(post, "change")]
        assert "scheduled" not in text(one(page, "table.calendar li"))

    def test_uses_the_time_zone_of_the_site(self, client: Client, settings: Settings) -> None:
        settings.TIME_ZONE = "Pacific/Auckland"
        PostFactory(title="late", published_at=dt.datetime(2031, 6, 30, 20, tzinfo=dt.UTC))
        assert days(client, "2031-07") == {"2031-07-01": ["08:00 late (scheduled)"]}
        assert "time zone, Pacific/Auckland" in text(read(client.get(CALENDAR)))

    def test_marks_today_and_links_to_the_previous_and_next_months(self, client: Client) -> None:
        page = read(client.get(CALENDAR))
        (today,) = [cell for cell in find(page, "td") if cell.get("aria-current") == "date"]
        assert one(today, "time").get("datetime") == f"{timezone.localdate():%Y-%m-%d}"
        links = find(read(client.get(CALENDAR, {"month": "2031-01"})), "nav.months a")
        assert [link.get("href") for link in links] == ["?month=2030-12", "?", "?month=2031-02"]

    @pytest.mark.parametrize(("language", "first"), [("en", "Sunday"), ("fr", "lundi")])
    def test_weeks_begin_on_the_day_that_is_usual_in_the_language(
        self, client: Client, settings: Settings, language: str, first: str
    ) -> None:
        settings.LANGUAGE_CODE = language
        heading = find(read(client.get(CALENDAR)), "table.calendar th abbr")[0]
        assert heading.get("title") == first

    @pytest.mark.parametrize("month", ["", "x", "2031-13", "0001-01", "9999-12", "2031-1", "2031-01-01"])
    def test_months_that_do_not_exist_are_not_found(self, client: Client, month: str) -> None:
        assert client.get(CALENDAR, {"month": month}).status_code == 404

    def test_takes_the_same_few_queries_for_any_number_of_posts(self, client: Client) -> None:
        counts = []
        for number in (1, 20):
            for hour in range(number):
                PostFactory(published_at=at(2031, 7, 1, hour))
            with executed_statements() as statements:
                client.get(CALENDAR, {"month": "2031-07"})
            counts.append(len(statements))
        assert counts[0] == counts[1] <= 7


class TestPermissions:
    @pytest.mark.parametrize("role", ROLES)
    def test_are_the_same_as_for_the_list(self, role: str) -> None:
        client = client_of(user_in_role(role))
        responses: list[Any] = [client.get(url) for url in (CALENDAR, "/admin/blog/post/")]
        assert responses[0].status_code == responses[1].status_code

    def test_authors_see_their_own_posts_only(self) -> None:
        author = UserFactory(role="Author")
        PostFactory(title="mine", author=author, published_at=at(2031, 7, 1))
        PostFactory(title="theirs", published_at=at(2031, 7, 1))
        assert days(client_of(author), "2031-07") == {"2031-07-01": ["12:00 mine (scheduled)"]}

"""Figures show how much is read, but never reveal that a page had only a few readers."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.roles import OWNER
from blog.models import Status
from readers.figures import Unit, format_count, recent_counts, report, rounded
from readers.models import EntryCount, KindCount, ReaderSettings, ReferrerCount
from tests.factories import PostFactory
from tests.factories.admin import client_of
from tests.factories.permissions import EVERYONE, may, need, user_of
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db
PATH = "/admin/readers/entrycount/"


def count(kind: str, number: int, *, days_ago: int = 0) -> None:
    KindCount.objects.create(day=timezone.localdate() - dt.timedelta(days=days_ago), kind=kind, count=number)


def count_entry(entry: Any, number: int, *, days_ago: int = 0) -> None:
    day = timezone.localdate() - dt.timedelta(days=days_ago)
    EntryCount.objects.create(day=day, entry_id=entry.pk, count=number)


def count_host(host: str, number: int) -> None:
    ReferrerCount.objects.create(day=timezone.localdate(), host=host, count=number)


@pytest.fixture
def choices() -> ReaderSettings:
    return ReaderSettings(pk=1, count_readers=True)


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "text"), [(0, "< 10"), (1, "< 10"), (9, "< 10"), (10, "10"), (19, "10"), (12_345, "12,340")]
    )
    def test_are_rounded_down_to_tens(self, number: int, text: str) -> None:
        assert format_count(number) == text

    def test_are_formatted_for_the_language(self) -> None:
        with translation.override("de"):
            assert format_count(12_345) == "12.340"

    @given(st.lists(st.integers(0, 500), min_size=1, max_size=6), st.integers(0, 9))
    def test_of_a_total_and_its_parts_do_not_reveal_a_small_one(self, parts: list[int], small: int) -> None:
        """Whatever the small number is, at least one other number is compatible with the figures beside it."""
        others = [other for other in range(10) if other != small]
        total = sum(parts)
        possible = [
            other
            for other in others
            for shift in range(-9, 10)
            if total + shift >= 0
            and rounded(total + shift + other) == rounded(total + small)
            and _can_be_sum(parts, total + shift)
        ]
        assert possible


def _can_be_sum(parts: list[int], total: int) -> bool:
    """Return whether numbers that are displayed like `parts` can have this sum."""
    lowest = sum(rounded(part) for part in parts)
    return lowest <= total <= lowest + 9 * len(parts)


class TestReport:
    def test_has_a_bar_for_each_day_week_and_month(self, choices: ReaderSettings) -> None:
        count("entry", 25)
        count("front", 18)
        count("entry", 14, days_ago=1)
        found = report(Unit.DAY, choices)
        assert len(found.by_time) == 30
        assert [(figure.count, figure.percent) for figure in found.by_time[-2:]] == [("10", 25), ("40", 100)]
        assert found.by_time[-1].day == timezone.localdate()
        assert found.total == "50"
        assert [figure.count for figure in found.kinds] == ["30", "10", "< 10"]
        assert len(report(Unit.WEEK, choices).by_time) == 26
        months = report(Unit.MONTH, choices)
        assert len(months.by_time) == 24
        assert {figure.day.day for figure in months.by_time if figure.day} == {1}

    def test_starts_weeks_on_monday(self, choices: ReaderSettings) -> None:
        count("entry", 30)
        newest = report(Unit.WEEK, choices).by_time[-1]
        assert newest.day
        assert newest.day.weekday() == 0
        assert newest.count == "30"

    def test_omits_days_for_which_only_the_month_is_kept(self, choices: ReaderSettings) -> None:
        choices.keep_months = 1
        first = (timezone.localdate().replace(day=1) - dt.timedelta(days=1)).replace(day=1)
        found = report(Unit.WEEK, choices)
        assert found.since == first
        assert found.by_time[0].day
        assert found.by_time[0].day <= first

    def test_names_the_most_read_entries(self, choices: ReaderSettings) -> None:
        posts = PostFactory.create_batch(3)
        for post, number in zip(posts, (30, 500, 3), strict=True):
            count_entry(post, number)
        count_entry(posts[0], 600, days_ago=1)
        EntryCount.objects.create(day=timezone.localdate(), entry_id=10**9, count=9_999)
        found = report(Unit.DAY, choices).entries
        assert [(figure.label, figure.count) for figure in found] == [
            (posts[0].title, "630"),
            (posts[1].title, "500"),
            (posts[2].title, "< 10"),
        ]

    def test_combines_hosts_from_which_few_readers_came(self, choices: ReaderSettings) -> None:
        for host, number in (("news.example", 40), ("wiki.ministry.example", 9), ("blog.example", 9), ("", 5)):
            count_host(host, number)
        found = report(Unit.DAY, choices).hosts
        assert [(figure.label, figure.count) for figure in found] == [("news.example", "40"), ("Other sites", "20")]

    def test_takes_few_queries(self, choices: ReaderSettings, django_assert_num_queries: Any) -> None:
        for post in PostFactory.create_batch(3):
            count_entry(post, 20)
        with django_assert_num_queries(4):
            report(Unit.DAY, choices)


class TestPage:
    @pytest.mark.parametrize("role", EVERYONE)
    def test_requires_the_permission_to_see_figures(self, role: str) -> None:
        user = user_of(role)
        client = client_of(user) if user else Client()
        status = client.get(PATH).status_code
        assert (status == 200) == may(role, need("readers.view_entrycount"))
        assert may(role, need("readers.view_entrycount")) == (role in {OWNER, "Editor"})

    @pytest.fixture
    def owner(self) -> Client:
        user = user_of(OWNER)
        assert user
        return client_of(user)

    def test_has_each_figure_of_the_chart_in_a_table(self, owner: Client) -> None:
        ReaderSettings.objects.update(count_readers=True)
        count("entry", 1_234)
        page = read(owner.get(PATH))
        rows = find(page, "details tbody tr")
        assert len(rows) == 30 == len(find(page, ".readers-chart rect"))
        assert text(one(rows[0], "td")) == "1,230"
        assert {text(one(row, "td")) for row in rows[1:]} == {"< 10"}
        assert "1,234" not in text(page)

    def test_escapes_titles_and_links_only_public_entries(self, owner: Client) -> None:
        ReaderSettings.objects.update(count_readers=True)
        post = PostFactory(title="<b>Bold</b>")
        private = PostFactory(title="Hidden", status=Status.PRIVATE)
        count_entry(post, 20)
        count_entry(private, 20)
        count_host("news.example", 20)
        page = read(owner.get(PATH))
        links = [link.get("href") for link in find(page, ".readers-table a")]
        assert links == [post.get_absolute_url()]
        assert "<b>Bold</b>" in text(page)
        assert "Hidden" in text(page)
        assert "news.example" in text(page)

    def test_links_to_the_settings_while_nothing_is_counted(self, owner: Client) -> None:
        page = read(owner.get(PATH))
        assert [link.get("href") for link in find(page, ".readers-off a")] == ["/admin/readers/readersettings/"]
        # “< 10 times” would say that something was counted.
        assert [find(page, part) for part in (".readers-total", ".readers-chart", ".tabs", "table")] == [[]] * 4

    def test_still_shows_what_was_counted_before_it_was_turned_off(self, owner: Client) -> None:
        count("entry", 1_234, days_ago=60)
        page = read(owner.get(PATH, {"by": "month"}))
        assert find(page, ".readers-off")
        assert "1,230" in text(one(page, ".readers-total"))

    @pytest.mark.parametrize("by", ["day", "week", "month", "", "year", "'"])
    def test_exists_for_each_unit_of_time(self, owner: Client, by: str) -> None:
        ReaderSettings.objects.update(count_readers=True)
        page = read(owner.get(PATH, {"by": by}))
        assert len(find(page, ".tabs [aria-current=page]")) == 1

    def test_is_laid_out_from_right_to_left_in_arabic(self, owner: Client, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "ar"
        with translation.override("ar"):
            assert read(owner.get(PATH)).get("dir") == "rtl"


class TestLists:
    def test_of_posts_show_how_often_they_were_read(self) -> None:
        post = PostFactory()
        count_entry(post, 25)
        count_entry(post, 20, days_ago=29)
        count_entry(post, 500, days_ago=30)
        assert recent_counts([post.pk]) == {post.pk: "40"}
        ReaderSettings.objects.update(count_readers=True)
        editor, author = user_of("Editor"), user_of("Author")
        assert editor
        assert author
        assert "Views in 30 days" in client_of(editor).get("/admin/blog/post/").text
        assert "Views in 30 days" not in client_of(author).get("/admin/blog/post/").text
        ReaderSettings.objects.update(count_readers=False)
        assert "Views in 30 days" not in client_of(editor).get("/admin/blog/post/").text

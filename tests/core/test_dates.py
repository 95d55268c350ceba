"""Dates and times in the format of the site's language."""

import datetime as dt

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import override

from core.dates import (
    format_datetime,
    format_day,
    format_day_for_staff,
    format_month,
    format_time,
    format_time_and_zone,
)
from core.languages import SHIPPED
from tests.factories.models import at

TIME = dt.datetime(2019, 10, 2, 13, 53, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("language", "day", "month", "time"),
    [
        ("en", "October 2, 2019", "October 2019", "1:53 pm"),
        ("en-us", "October 2, 2019", "October 2019", "1:53 pm"),
        ("en-gb", "2 Oct 2019", "October 2019", "1:53 p.m."),
        ("de", "2. Oktober 2019", "Oktober 2019", "13:53"),
        ("fr", "2 octobre 2019", "octobre 2019", "13:53"),
        ("ar", "2 أكتوبر، 2019", "أكتوبر 2019", "1:53 م"),
        ("ja", "2019年10月2日", "2019年10月", "13:53"),
    ],
)
def test_dates_and_times_have_the_format_of_the_language(language: str, day: str, month: str, time: str) -> None:
    with override(language):
        assert (format_day(TIME), format_month(TIME), format_time(TIME)) == (day, month, time)


@pytest.mark.parametrize(
    ("language", "day", "month"),
    [("en", "October 2nd, 2019", "October, 2019"), ("de", "2. Oktober 2019", "Oktober 2019")],
)
def test_headings_have_the_wording_of_wordpress_only_in_american_english(language: str, day: str, month: str) -> None:
    with override(language):
        assert (format_day(TIME, ordinal=True), format_month(TIME, comma=True)) == (day, month)


def test_templates_show_times_in_the_time_zone_of_the_site() -> None:
    late = dt.datetime(2019, 10, 2, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    template = Template("{% load dates %}{{ late|day }} {{ late|time_of_day }}")
    assert template.render(Context({"late": late})) == "October 3, 2019 1:30 am"


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "1:53 pm UTC"), ("Asia/Kathmandu", "7:38 pm UTC+05:45")])
def test_times_for_people_elsewhere_name_the_time_zone_of_the_site(zone: str, shown: str) -> None:
    with timezone.override(zone):
        assert format_time_and_zone(TIME) == shown


def test_lists_in_the_admin_show_times_in_the_format_for_staff() -> None:
    time = at(2018, 5, 17, 15, 30)
    assert date_format(time, "DATETIME_FORMAT") == format_datetime(time) == "Thu 17 May 2018, 15:30"
    assert format_day_for_staff(time) == "17 May 2018"


@pytest.mark.parametrize("language", SHIPPED)
def test_lists_in_the_admin_show_the_same_time_of_day_in_every_language(language: str) -> None:
    time = at(2018, 5, 17, 9, 5)
    with override(language):
        assert date_format(time, "DATETIME_FORMAT").endswith(" 09:05")
        assert format_datetime(time).endswith(" 09:05")


def test_times_in_arabic_are_not_in_the_format_of_american_english() -> None:
    with override("ar"):
        assert date_format(at(2020, 5, 17, 15, 30), "DATETIME_FORMAT") == "17 مايو، 2020، 15:30"


def test_days_in_ukrainian_have_no_leading_zero() -> None:
    with override("uk"):
        assert format_day(dt.date(2019, 10, 2)) == "2 жовтня 2019 р."
        assert date_format(at(2019, 10, 2, 9, 5), "DATETIME_FORMAT") == "2 жовтня 2019 р. 09:05"


@pytest.mark.parametrize(
    ("language", "this_year", "another_year"),
    [
        ("en", "Thu 3 December, 08:00", "Thu 17 May 2018, 15:30"),
        ("es", "jue 3 de diciembre, 08:00", "jue 17 de mayo de 2018, 15:30"),
        ("fr", "jeu 3 décembre, 08:00", "jeu 17 mai 2018, 15:30"),
        ("ru", "Чт 3 декабря, 08:00", "Чт 17 мая 2018 г., 15:30"),
        ("uk", "Чт 3 грудня, 08:00", "Чт 17 травня 2018 р., 15:30"),
        ("ar", "خميس 3 ديسمبر، 08:00", "خميس 17 مايو، 2018، 15:30"),
    ],
)
def test_times_for_staff_follow_the_conventions_of_each_language(
    language: str, this_year: str, another_year: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = at(2026, 11, 27)
    monkeypatch.setattr("core.dates.localtime", lambda time=now: time)
    with override(language):
        assert format_datetime(at(2026, 12, 3, 8)) == this_year
        assert format_datetime(at(2018, 5, 17, 15, 30)) == another_year

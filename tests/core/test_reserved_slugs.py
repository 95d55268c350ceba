"""A page cannot use the first segment of another URL of the site as its slug."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.http import HttpResponse
from django.urls import include, path, re_path
from pytest_django import Settings

from core import slugs
from core.slugs import check_reserved_slugs, is_reserved, reserved_pattern


def view(*args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse()


def reported_segments(settings: Settings, *patterns: Any) -> list[str]:
    """Return the segments that the check reports for a URLconf with these patterns."""
    settings.ROOT_URLCONF = patterns
    return [problem.msg.split("'")[1] for problem in check_reserved_slugs()]


class TestCheck:
    def test_finds_nothing_in_the_urls_of_the_site(self) -> None:
        assert check_reserved_slugs() == []

    def test_covers_every_app_of_the_site(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(slugs, "reserved_slugs", {})
        found = {problem.msg.split("'")[1] for problem in check_reserved_slugs()}
        assert found >= {"admin", "tag", "comments", "author", "category", "feed", "search", "index.php"}

    @pytest.mark.parametrize(
        "pattern",
        [
            path("news", view),
            path("news/", view),
            path("news/<int:pk>/", view),
            path("news/", include([path("", view)])),
            path("", include([path("", include([path("news/", view)]))])),
            re_path(r"^news/?$", view),
            re_path(r"^news/(?P<rest>.*)$", view),
            re_path(r"^news(?:/.*)?$", view),
            re_path(r"^news", include([path("", view)])),
        ],
        ids=str,
    )
    def test_reports_literal_first_segments(self, settings: Settings, pattern: Any) -> None:
        assert reported_segments(settings, pattern) == ["news"]

    def test_handles_escaped_dots_in_regular_expressions(self, settings: Settings) -> None:
        assert reported_segments(settings, re_path(r"^news\.php$", view)) == ["news.php"]

    @pytest.mark.parametrize(
        "pattern",
        [
            path("", view),
            path("<slug:slug>/", view),
            path("news-<slug:slug>/", view),
            re_path(r"^$", view),
            re_path(r"^[0-9]{4}/", view),
            re_path(r"^newss?/$", view),
        ],
        ids=str,
    )
    def test_ignores_variable_segments(self, settings: Settings, pattern: Any) -> None:
        assert reported_segments(settings, pattern) == []


class TestReservedPattern:
    def test_matches_reserved_slugs_only(self) -> None:
        assert is_reserved("wp-admin")
        assert not is_reserved("about")
        assert reserved_pattern().startswith("(?:")
        assert "wp\\-admin" in reserved_pattern()

    def test_cannot_be_built_before_all_apps_are_ready(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apps, "ready_event", SimpleNamespace(is_set=lambda: False))
        with pytest.raises(AppRegistryNotReady):
            reserved_pattern()

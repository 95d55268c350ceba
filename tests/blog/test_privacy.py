"""The privacy page says what is kept, for how long and why, according to the settings."""

from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from blog.models import Status
from comments.models import CommentSettings
from core.models import SiteSettings
from core.privacy import describe_kept_data, kept_data
from tests.factories import PageFactory, PostFactory
from tests.factories.reader import Reader
from tests.factories.responses import find, read, text

pytestmark = pytest.mark.django_db

PATH = "/privacy/"


def shown(client: Client) -> str:
    return text(read(client.get(PATH)))


class TestPage:
    def test_every_site_has_one(self, client: Client) -> None:
        page = read(client.get(PATH))
        assert [text(heading) for heading in find(page, "main h1")] == ["Privacy"]
        assert [text(heading) for heading in find(page, "main h2")][:2] == [
            "If you read this site",
            "If you write a comment",
        ]
        assert "There are no cookies and no statistics" in text(page)

    def test_every_page_and_the_comment_form_link_to_it(self, client: Client) -> None:
        page = read(client.get(PostFactory().get_absolute_url()))
        assert [link.get("href") for link in find(page, "footer .to-privacy a")] == [PATH]
        assert [link.get("href") for link in find(page, "form.comment-form .help a")] == [PATH]

    def test_the_owners_text_comes_first(self, client: Client) -> None:
        PageFactory(title="Our promise", slug="privacy", source="We are careful.")
        page = read(client.get(PATH))
        assert [text(heading) for heading in find(page, "main h1")] == ["Our promise"]
        shown = text(page)
        assert shown.index("We are careful.") < shown.index("If you read this site")

    def test_other_pages_do_not_show_it(self, client: Client) -> None:
        parent = PageFactory(title="About", slug="about")
        child = PageFactory(title="Privacy", slug="privacy", parent=parent)
        for page in (parent, child):
            assert "If you read this site" not in client.get(page.get_absolute_url()).text

    def test_the_owners_text_is_shown_once_it_is_published(self, client: Client) -> None:
        PageFactory(title="Our promise", slug="privacy", status=Status.DRAFT)
        assert "Our promise" not in shown(client)

    def test_is_cached_until_a_setting_changes(self) -> None:
        reader = Reader()
        for _attempt in range(2):
            assert "after 30 days" in reader.get(PATH).text
        assert reader.rendered == [PATH]
        settings = CommentSettings.current()
        settings.keep_spam_days = 7
        settings.save()
        assert "after 7 days" in reader.get(PATH).text

    def test_is_in_the_language_of_the_site(self, client: Client, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "ar"
        with translation.override("ar"):
            assert read(client.get(PATH)).get("dir") == "rtl"


class TestSettings:
    @pytest.mark.parametrize(
        ("days", "said"), [(0, "As long as the comment."), (30, "Deleted 30 days after you wrote")]
    )
    def test_addresses_of_commenters(self, days: int, said: str, client: Client) -> None:
        CommentSettings.objects.update(forget_emails_after_days=days)
        assert said in shown(client)

    @pytest.mark.parametrize(("key", "is_said"), [("", False), ("key", True)])
    def test_akismet(self, key: str, client: Client, settings: Settings, *, is_said: bool) -> None:
        settings.BROADSIDE_AKISMET_KEY = key
        assert ("sent to Akismet" in shown(client)) == is_said

    @pytest.mark.parametrize("receive", [True, False])
    def test_webmentions(self, client: Client, *, receive: bool) -> None:
        CommentSettings.objects.update(receive_webmentions=receive)
        assert ("Pages of other sites that say they link here" in shown(client)) == receive

    @pytest.mark.parametrize(
        ("follow", "mailers", "is_said"), [(True, True, True), (False, True, False), (True, False, False)]
    )
    def test_followers(self, client: Client, settings: Settings, *, follow: bool, mailers: bool, is_said: bool) -> None:
        CommentSettings.objects.update(follow_by_mail=follow)
        if not mailers:
            settings.MAILERS = {}
        assert ("If you follow a discussion" in shown(client)) == is_said

    @pytest.mark.parametrize(
        ("url", "key", "keep", "said"),
        [
            ("", "", (7, 5, 12), ""),
            ("/backups", "", (7, 5, 12), "Backups of all of this How long: 372 days."),
            ("/backups", "age1", (7, 5, 0), "encrypted with a key that is not on the server How long: 35 days."),
            ("/backups", "age1", (0, 0, 0), "How long: 2 days."),
        ],
    )
    def test_backups(
        self, url: str, key: str, keep: tuple[int, int, int], said: str, client: Client, settings: Settings
    ) -> None:
        settings.BROADSIDE_BACKUP_URL, settings.BROADSIDE_BACKUP_PUBLIC_KEY = url, key
        settings.BROADSIDE_BACKUP_KEEP = keep
        assert said in shown(client)
        assert ("Backups" in shown(client)) == bool(url)


def test_everything_that_is_kept_is_described_in_full() -> None:
    found = describe_kept_data(SiteSettings.current())
    everything: list[Any] = [kept for _heading, group in found for kept in group]
    assert len(everything) >= len(kept_data)
    for kept in everything:
        assert not kept.what.endswith(".")
        assert kept.how_long.endswith(".")
        assert kept.why.endswith(".")

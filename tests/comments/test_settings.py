"""The settings for comments: one row, read in the same query as the site's own settings."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from comments.models import CommentPolicy, CommentSettings
from core.models import OneRow, SiteSettings
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.responses import find, read, text

pytestmark = pytest.mark.django_db

URL = "/admin/comments/commentsettings/1/change/"


@pytest.fixture
def owner(client: Client) -> None:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))


class TestReading:
    def test_they_are_read_with_the_sites_settings_in_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        CommentSettings.objects.update(comments_per_page=20)
        with django_assert_num_queries(1):
            assert CommentSettings.of(SiteSettings.current()).comments_per_page == 20

    def test_without_a_row_the_defaults_apply(self) -> None:
        CommentSettings.objects.all().delete()
        assert CommentSettings.of(SiteSettings.current()).comment_policy == CommentPolicy.HOLD
        assert CommentSettings.current().comment_policy == CommentPolicy.HOLD
        SiteSettings.objects.all().delete()
        assert CommentSettings.of(SiteSettings.current()).comment_policy == CommentPolicy.HOLD

    def test_there_is_only_one_row(self) -> None:
        CommentSettings(links_allowed=7).save()
        assert CommentSettings.objects.get().links_allowed == 7

    @pytest.mark.parametrize("url", ["/", "post"])
    def test_pages_need_no_extra_query_for_them(self, client: Client, url: str) -> None:
        post = PostFactory.create()
        CommentFactory.create(entry=post)
        with CaptureQueriesContext(connection) as queries:
            client.get(post.get_absolute_url() if url == "post" else url)
        queries_for_them = [query["sql"] for query in queries if "comments_commentsettings" in query["sql"]]
        assert len(queries_for_them) == 1
        assert "core_sitesettings" in queries_for_them[0]


class TestCachedPages:
    @pytest.mark.parametrize(
        "values",
        [
            {"comments_open": False},
            {"show_avatars": False},
            {"proof_of_work": False},
            # Readers don't see these, but processes remember all settings until the content version changes.
            {"comment_policy": CommentPolicy.OPEN},
            {"keep_spam_days": 5, "links_allowed": 3},
        ],
    )
    def test_they_expire_with_any_change(
        self, values: dict[str, Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        remembered = SiteSettings.remembered()
        with django_capture_on_commit_callbacks(execute=True):
            CommentSettings.objects.update(**values)
        assert SiteSettings.current().content_version > remembered.content_version
        settings = CommentSettings.of(SiteSettings.remembered())
        assert {name: getattr(settings, name) for name in values} == values


@pytest.mark.usefixtures("owner")
class TestAdmin:
    def test_the_list_redirects_to_the_only_row(self, client: Client) -> None:
        response = client.get("/admin/comments/commentsettings/")
        assert (response.status_code, response["Location"]) == (302, URL)

    def test_the_sites_settings_link_to_them(self, client: Client) -> None:
        page = read(client.get("/admin/core/sitesettings/1/change/"))
        links = {link.get("href"): text(link) for link in find(page, ".navigation a")}
        assert links["/admin/comments/commentsettings/"] == "Comment settings"

    def test_they_can_be_saved(self, client: Client) -> None:
        page = read(client.get(URL))
        fields = dict(find(page, "#commentsettings_form")[0].form_values())
        assert client.post(URL, {**fields, "comments_per_page": "25"}).status_code == 302
        assert CommentSettings.objects.get().comments_per_page == 25

    def test_too_few_comments_per_page_are_refused(self, client: Client) -> None:
        fields = dict(find(read(client.get(URL)), "#commentsettings_form")[0].form_values())
        response = client.post(URL, {**fields, "comments_per_page": "3"})
        assert "or at least 10" in response.content.decode()

    def test_they_cannot_be_added_or_deleted(self, client: Client) -> None:
        assert client.get("/admin/comments/commentsettings/add/").status_code == 403
        assert client.get(URL.replace("change", "delete")).status_code == 403


def test_moderators_cannot_see_them(client: Client) -> None:
    client.force_login(UserFactory.create(role="Moderator"))
    assert client.get(URL).status_code == 403


def test_settings_of_all_apps_are_read_with_the_sites(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        site = SiteSettings.current()
        rows = [model.of(site) for model in OneRow.__subclasses__()]
    assert CommentSettings.of(site) in rows
    assert not any(row._state.adding for row in rows)

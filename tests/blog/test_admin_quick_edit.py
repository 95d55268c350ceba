"""Quick edit: a few fields of a post or page, from the list."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditRecord
from blog.models import Page, Post, Redirect, Status
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role, version_of_form
from tests.factories.responses import find, message, one, read, text

pytestmark = pytest.mark.django_db

FRAGMENT = {"X-Broadside-Fragment": "1"}


@pytest.fixture
def client() -> Client:
    return client_of(UserFactory(role="Editor"))


def url(entry: Post | Page) -> str:
    return f"/admin/blog/{entry.kind}/{entry.pk}/quick/"


def data_of(entry: Post | Page, **changes: Any) -> dict[str, Any]:
    """Return what the form submits."""
    data: dict[str, Any] = {"title": entry.title, "slug": entry.slug, "version": version_of_form(entry)}
    if entry.published_at:
        data["published_at"] = f"{timezone.localtime(entry.published_at):%Y-%m-%dT%H:%M}"
    if isinstance(entry, Post):
        data |= {"categories": [category.pk for category in entry.categories.all()]}
        data |= {"tags": ", ".join(tag.name for tag in entry.tags.all())}
    else:
        data |= {"menu_order": entry.menu_order, "parent": entry.parent_id or ""}
    return data | changes


class TestSaving:
    def test_changes_everything_that_it_shows_and_nothing_else(self, client: Client) -> None:
        post = PostFactory(source="Text.", language="fr", excerpt="Short.", sticky=True, password="x")
        category = CategoryFactory()
        changes = {
            "title": "New title",
            "slug": "new-slug",
            "published_at": "2021-05-06T07:08",
            "categories": [category.pk],
            "tags": "one, two",
            "_step": "publish_privately",
        }
        response = client.post(url(post), data_of(post, **changes), follow=True)
        assert message(response) == "Post published privately. Only you and the editors see it. Preview post"
        stored = Post.objects.get()
        assert (stored.title, stored.slug, stored.status) == ("New title", "new-slug", "private")
        assert stored.published_at == timezone.make_aware(dt.datetime(2021, 5, 6, 7, 8))
        assert ([*stored.categories.all()], {tag.name for tag in stored.tags.all()}) == ([category], {"one", "two"})
        kept = (stored.source, stored.language, stored.excerpt, stored.sticky, stored.password, stored.author)
        assert kept == ("Text.", "fr", "Short.", True, "x", post.author)

    def test_redirects_the_former_url_and_logs_the_change(self, client: Client) -> None:
        post = PostFactory(slug="old")
        former = post.get_absolute_url()
        client.post(url(post), data_of(post, slug="new"))
        assert [redirect.path for redirect in Redirect.objects.all()] == [former]
        assert AuditRecord.objects.get(kind="blog.post").text == "Changed: Slug"

    def test_works_for_pages(self, client: Client) -> None:
        page, parent = PageFactory(title="Team"), PageFactory(title="About")
        client.post(url(page), data_of(page, title="People", slug="", parent=parent.pk, menu_order=3))
        stored = Page.objects.get(pk=page.pk)
        assert (stored.title, stored.path, stored.menu_order) == ("People", "about/people", 3)

    def test_leads_back_to_the_same_list(self, client: Client) -> None:
        post = PostFactory()
        response = client.post(f"{url(post)}?_changelist_filters=state%3Ddraft", data_of(post, title="New"))
        assert response["Location"] == "/admin/blog/post/?state=draft"

    def test_offers_to_undo_a_move_to_the_trash(self, client: Client) -> None:
        post = PostFactory()
        response = client.post(url(post), data_of(post, _step="trash"), follow=True)
        assert message(response) == "Post moved to the trash. Preview post"
        assert find(read(response), "ul.messagelist form.undo")


class TestSteps:
    def offered(self, client: Client, post: Post) -> list[str]:
        return [text(option) for option in find(read(client.get(url(post))), "[name=_step] option")]

    def test_are_the_same_as_in_the_form(self, client: Client) -> None:
        steps = ["Schedule", "Publish", "Submit for review", "Publish privately", "Move to trash"]
        assert self.offered(client, PostFactory(status=Status.DRAFT)) == ["Keep as it is", *steps]
        steps = ["Unpublish", "Publish now", "Schedule", "Publish privately", "Move to trash"]
        scheduled = PostFactory(published_at=timezone.now() + dt.timedelta(days=1))
        assert self.offered(client, scheduled) == ["Keep as it is", *steps]

    def test_authors_submit_for_review(self) -> None:
        author = UserFactory(role="Author")
        post = PostFactory(author=author, status=Status.DRAFT)
        assert self.offered(client_of(author), post) == ["Keep as it is", "Submit for review", "Move to trash"]

    def test_scheduling_takes_a_time_in_the_future(self, client: Client) -> None:
        post = PostFactory(status=Status.DRAFT)
        page = read(client.post(url(post), data_of(post, _step="schedule", published_at="2020-01-01T10:00")))
        assert "This time is in the past" in text(one(page, "div.quick-published_at ul.errorlist"))
        assert one(page, "option[selected=selected]").get("value") == "schedule"
        response = client.post(url(post), data_of(post, _step="schedule", published_at="2131-07-01T14:00"), follow=True)
        assert message(response) == "Scheduled for Sun 1 July 2131, 14:00. Preview post"
        assert Post.objects.get().is_scheduled


class TestErrors:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "not/possible"),
            ("published_at", "soon"),
            ("tags", "x" * 201),
            ("categories", ["99"]),
        ],
    )
    def test_are_shown_at_the_field_and_nothing_is_lost(self, client: Client, field: str, value: Any) -> None:
        post = PostFactory(title="Before")
        response = client.post(url(post), data_of(post, title="Typed", **{field: value}))
        page = read(response)
        assert len(find(page, f"div.quick-{field} ul.errorlist") + find(page, "fieldset ul.errorlist")) == 1
        assert one(page, "[name=title]").get("value") == "Typed"
        assert Post.objects.get().title == "Before"

    def test_times_that_do_not_exist_are_refused(self, client: Client, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Paris"
        post = PostFactory()
        response = client.post(url(post), data_of(post, published_at="2027-03-28T02:30"))
        assert len(find(read(response), "div.quick-published_at ul.errorlist")) == 1

    def test_a_change_by_someone_else_is_not_overwritten_unseen(self, client: Client) -> None:
        post = PostFactory(title="Before", tags=["tag"])
        mine = data_of(post, title="Mine")
        client_of(UserFactory(role="Editor")).post(url(post), data_of(post, title="Theirs"))
        page = read(client.post(url(post), mine))
        assert "saved this while you were editing" in text(one(page, "form.quick-form"))
        assert "saved this while you were editing" in text(one(page, "section.conflict h2"))
        assert Post.objects.get().title == "Theirs"
        client.post(url(post), mine | {"version": one(page, "[name=version]").get("value")})
        assert Post.objects.get().title == "Mine"


def test_a_page_of_its_own_shows_each_heading_once(client: Client) -> None:
    content = one(read(client.get(url(PostFactory(title="Before")))), "#content")
    assert [text(heading) for tag in ("h1", "h2") for heading in find(content, tag)] == ["Quick edit", "Before"]


class TestScript:
    def test_gets_only_the_form_and_nothing_once_it_was_saved(self, client: Client) -> None:
        post = PostFactory(title="Before")
        fragment = client.get(url(post), headers=FRAGMENT).content.decode()
        assert fragment.strip().startswith("<form")
        assert '<h2 class="quick-heading" id="quick-heading">' in fragment
        saved = client.post(url(post), data_of(post, title="After"), headers=FRAGMENT)
        assert (saved.status_code, saved.content) == (204, b"")
        assert message(client.get("/admin/blog/post/")) == "Post updated. View post"


@pytest.mark.parametrize(
    ("role", "whose", "status", "step", "after"),
    [
        ("Author", "own", "draft", "submit", "pending"),
        ("Author", "own", "draft", "publish", None),
        ("Author", "own", "published", "unpublish", None),
        ("Author", "own", "trash", "restore", None),
        ("Author", "other", "draft", "submit", None),
        ("Editor", "other", "draft", "publish", "published"),
        ("Editor", "other", "draft", "nonsense", None),
        ("Editor", "other", "published", "publish_privately", "private"),
        ("Editor", "other", "trash", "restore", "draft"),
        ("superuser", "other", "published", "unpublish", "draft"),
        ("Moderator", "own", "draft", "submit", None),
        ("staff", "own", "draft", "submit", None),
        ("anonymous", "other", "draft", "submit", None),
    ],
)
def test_permissions_match_the_form(role: str, whose: str, status: str, step: str, after: str | None) -> None:
    user = user_in_role(role)
    author = user if whose == "own" and user else UserFactory()
    post = PostFactory(author=author, status=status, title="Before")
    client_of(user).post(url(post), data_of(post, title="After", _step=step))
    assert (Post.objects.get().title, Post.objects.get().status) == (("After", after) if after else ("Before", status))


def test_authors_see_no_time_and_cannot_set_one() -> None:
    author = UserFactory(role="Author")
    post = PostFactory(author=author, status=Status.DRAFT)
    client = client_of(author)
    assert find(read(client.get(url(post))), "[name=published_at]") == []
    client.post(url(post), data_of(post, published_at="2031-01-01T10:00"))
    assert Post.objects.get().published_at == post.published_at

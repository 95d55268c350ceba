"""The screen for writing: its buttons, what they do, and its messages before and afterwards."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from accounts.actions import Action
from accounts.models import AuditRecord, User
from blog.editing.workflow import Step, may_take, steps_for
from blog.models import Page, Post, Status
from media.pictures import store_picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.files import picture_file
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

LATER = dt.timedelta(days=9)


@pytest.fixture
def client(editor: User) -> Client:
    """The client of an editor."""
    return client_of(editor)


def add(client: Client, **fields: Any) -> Any:
    author = User.objects.filter(is_staff=True).order_by("pk").first()
    return client.post(admin_url(Post, "add"), form_data(title="New", author=author and author.pk) | fields)


def save(client: Client, entry: Post | Page, **changes: Any) -> Any:
    return client.post(admin_url(entry, "change"), form_data(entry, **changes))


def errors(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_a_title_has_a_field_that_grows_and_is_stored_as_one_line(client: Client) -> None:
    add(client, title=" A lamp\r\nfor the\nharbour\n")
    post = Post.objects.get()
    assert post.title == "A lamp for the harbour"
    page = read(client.get(admin_url(post, "change")))
    assert one(page, "textarea#id_title").text_content().strip() == "A lamp for the harbour"
    assert one(page, "#id_title").get("maxlength") == "1000"


def post_in(state: str, **fields: Any) -> Post:
    """Return a post in this status, or a scheduled one."""
    if state == "scheduled":
        fields |= {"published_at": timezone.now() + LATER}
    status = Status.PUBLISHED if state == "scheduled" else state
    post: Post = PostFactory(status=status, **fields)
    return post


# The steps of each role with whose post in which state. The last step before the bar is the primary one.
STEPS = [
    ("Author", "own", "new", "save submit |"),
    ("Author", "own", "draft", "save submit | trash"),
    ("Author", "own", "pending", "unpublish save | trash"),
    ("Author", "own", "scheduled", "|"),
    ("Author", "own", "published", "|"),
    ("Author", "own", "private", "|"),
    ("Author", "own", "trash", "|"),
    ("Author", "other", "draft", "|"),
    ("Author", "other", "pending", "|"),
    ("Editor", "own", "new", "save schedule publish | submit publish_privately"),
    *[
        (role, whose, state, steps)
        for role, whose in (("Editor", "own"), ("Editor", "other"), ("superuser", "other"))
        for state, steps in (
            ("draft", "save schedule publish | submit publish_privately trash"),
            (
                "pending",
                f"{'return' if whose == 'other' else 'unpublish'} save schedule publish | publish_privately trash",
            ),
            ("scheduled", "unpublish publish schedule save | publish_privately trash"),
            ("published", "unpublish save | publish_privately trash"),
            ("private", "unpublish publish save | trash"),
            ("trash", "save restore |"),
        )
    ],
    ("Moderator", "own", "draft", "|"),
    ("Moderator", "other", "published", "|"),
    ("staff", "own", "draft", "|"),
]


@pytest.mark.parametrize(("role", "whose", "state", "steps"), STEPS)
class TestSteps:
    def post(self, user: User, whose: str, state: str) -> Post:
        author = user if whose == "own" else UserFactory()
        return Post(author=author) if state == "new" else post_in(state, author=author)

    def test_are_offered_by_role_author_and_state(self, role: str, whose: str, state: str, steps: str) -> None:
        user = user_in_role(role)
        assert user is not None
        offered = steps_for(user, self.post(user, whose, state))
        assert f"{' '.join(offered.main)} | {' '.join(offered.others)}".strip() == steps

    def test_are_refused_otherwise_by_the_server(self, role: str, whose: str, state: str, steps: str) -> None:
        user = user_in_role(role)
        assert user is not None
        post = self.post(user, whose, state)
        client = client_of(user)
        for step in set(Step) - {Step(each) for each in steps.replace("|", "").split()}:
            if not may_take(user, post, step):
                url = admin_url(post if post.pk else Post, "change" if post.pk else "add")
                client.post(url, form_data(post if post.pk else None, title="Changed", _step=step))
        assert not Post.objects.filter(title="Changed").exists()


class TestButtons:
    def test_exactly_one_is_the_primary_one(self, client: Client) -> None:
        for state in ("draft", "pending", "scheduled", "published", "private", "trash"):
            page = client.get(admin_url(post_in(state), "change")).content.decode()
            assert len(re.findall(r'class="button default"', page)) == 1, state

    def test_the_enter_key_never_publishes_or_unpublishes(self, client: Client) -> None:
        for state in ("draft", "pending", "scheduled", "published", "private"):
            page = client.get(admin_url(post_in(state), "change")).content.decode()
            first = re.search(r'<button[^>]*type="submit"[^>]*name="_step"[^>]*value="(\w+)"', page)
            assert first is not None
            assert first[1] == "save", state

    def test_users_who_may_only_read_a_post_see_none(self) -> None:
        author = UserFactory(role="Author")
        page = client_of(author).get(admin_url(PostFactory(author=author), "change")).content.decode()
        assert 'name="_step"' not in page
        assert "Published" in page

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("draft", "Draft"),
            ("pending", "Pending review"),
            ("private", "Published privately"),
            ("trash", "In the trash"),
        ],
    )
    def test_the_status_is_given_in_words(self, client: Client, state: str, words: str) -> None:
        assert client.get(admin_url(post_in(state), "change")).context["state_sentence"] == words


class TestResults:
    """What each button does, and the message afterwards."""

    def said(self, response: Any, client: Client) -> str:
        assert response.status_code == 302, errors(response)
        (message,) = client.get(response["Location"]).context["messages"]
        return str(message)

    def preview_of(self, post: Post) -> str:
        return f'<a href="{escape(post.get_preview_url())}">Preview post</a>'

    def test_a_new_post_can_be_published_at_once(self, client: Client) -> None:
        said = self.said(add(client, _step="publish"), client)
        post = Post.objects.get()
        assert post.is_public
        assert said == f'Post published. <a href="{post.get_absolute_url()}">View post</a>'

    @pytest.mark.parametrize(
        ("state", "step", "status", "said"),
        [
            ("draft", "save", "draft", "Draft saved."),
            ("draft", "submit", "pending", "Submitted for review."),
            ("draft", "publish_privately", "private", "Post published privately. Only you and the editors see it."),
            ("pending", "save", "pending", "Post updated."),
            ("pending", "return", "draft", "Returned to the author."),
            ("published", "unpublish", "draft", "Moved back to drafts."),
            ("private", "save", "private", "Post updated."),
            ("trash", "restore", "draft", "Post restored as a draft."),
        ],
    )
    def test_it_links_to_the_preview_of_an_unpublished_post(
        self, client: Client, state: str, step: str, status: str, said: str
    ) -> None:
        post = post_in(state)
        assert self.said(save(client, post, _step=step), client) == f"{said} {self.preview_of(post)}"
        assert Post.objects.get().status == status

    def test_it_links_to_a_public_page(self, client: Client) -> None:
        page = PageFactory()
        said = self.said(save(client, page, title="Changed"), client)
        assert said == f'Page updated. <a href="{page.get_absolute_url()}">View page</a>'

    def test_the_user_goes_on_writing_and_the_filters_of_the_list_are_kept(self, client: Client) -> None:
        post = PostFactory()
        url = admin_url(post, "change") + "?_changelist_filters=state%3Dpublished"
        assert client.post(url, form_data(post))["Location"] == url
        assert client.post(url, form_data(Post.objects.get(), _step="trash"))["Location"] == (
            "/admin/blog/post/?state=published"
        )

    def test_the_history_mentions_a_change_of_status(self, client: Client) -> None:
        post = post_in("draft")
        save(client, post, title="Changed", _step="publish")
        assert AuditRecord.objects.latest("pk").text == "Published: Title, Status"

    def test_publishing_twice_is_not_an_error(self, client: Client) -> None:
        post = post_in("draft")
        data = form_data(post, title="Changed", _step="publish")
        assert [client.post(admin_url(post, "change"), data).status_code for _ in range(2)] == [302, 302]


class TestTime:
    """Scheduling, in the site's time zone. In Amsterdam, clocks change on 29 March and 25 October 2037."""

    @pytest.fixture(autouse=True)
    def _in_amsterdam(self, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"

    def test_is_in_the_time_zone_of_the_site_which_is_named(self, client: Client) -> None:
        summer = PostFactory(published_at=dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC))
        page = client.get(admin_url(summer, "change")).content.decode()
        assert "Times are in Amsterdam (UTC+2)." in page
        assert 'type="datetime-local" name="published_at" value="2026-07-01T14:00"' in page
        winter = PostFactory(published_at=dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC))
        assert "Times are in Amsterdam (UTC+1)." in client.get(admin_url(winter, "change")).content.decode()

    @pytest.mark.parametrize(
        ("zone", "sentence"),
        [
            ("UTC", "Times are in UTC."),
            ("America/St_Johns", "Times are in St Johns (UTC−3:30)."),
            ("Asia/Kolkata", "Times are in Kolkata (UTC+5:30)."),
        ],
    )
    def test_every_zone_has_a_sentence(self, client: Client, settings: Settings, zone: str, sentence: str) -> None:
        settings.TIME_ZONE = zone
        winter = PostFactory(published_at=dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC))
        assert sentence in client.get(admin_url(winter, "change")).content.decode()

    def test_scheduling_says_when(self, client: Client) -> None:
        response = add(client, _step="schedule", published_at="2037-12-03T08:00")
        post = Post.objects.get()
        assert post.published_at == dt.datetime(2037, 12, 3, 7, tzinfo=dt.UTC)
        assert post.is_scheduled
        page = client.get(response["Location"])
        (message,) = page.context["messages"]
        assert str(message).startswith("Scheduled for Thu 3 December 2037, 08:00.")
        assert page.context["state_sentence"] == "Scheduled for Thu 3 December 2037, 08:00"

    @pytest.mark.parametrize("step", ["save", "schedule"])
    def test_a_published_post_that_gets_a_time_in_the_future_is_hidden_and_undo_brings_it_back(
        self, client: Client, step: str
    ) -> None:
        post = post_in("published")
        page = client.get(save(client, post, _step=step, published_at="2037-12-03T08:00")["Location"])
        said = text(one(read(page), "ul.messagelist li"))
        assert said.startswith("Scheduled for Thu 3 December 2037, 08:00. Until then, readers no longer see it.")
        assert Client().get(post.get_absolute_url()).status_code == 404
        assert AuditRecord.objects.get(kind="blog.post").action == Action.SCHEDULED
        action = one(read(page), "ul.messagelist form.undo").get("action")
        assert client.post(str(action))["Location"] == admin_url(post, "change")
        assert Client().get(post.get_absolute_url()).status_code == 200
        # Nothing was visible before, so nothing is hidden.
        scheduled = post_in("scheduled")
        page = client.get(save(client, scheduled, _step=step, published_at="2037-12-03T08:00")["Location"])
        assert "no longer" not in text(find(read(page), "ul.messagelist li")[-1])

    @pytest.mark.parametrize(
        ("time", "error"),
        [
            ("", "Choose the date and the time at which readers will see this."),
            ("2020-01-01T08:00", "This time is in the past. Choose a later one, or publish now."),
            ("tomorrow", "Enter a date and a time, such as 2026-12-03 08:00."),
            ("99999-01-01T08:00", "Enter a date and a time, such as 2026-12-03 08:00."),
            ("0001-01-01T00:00", "Enter a date and a time, such as 2026-12-03 08:00."),
            ("9999-12-31T23:59", "Enter a date and a time, such as 2026-12-03 08:00."),
        ],
    )
    def test_scheduling_needs_a_time_in_the_future(self, client: Client, time: str, error: str) -> None:
        response = add(client, _step="schedule", published_at=time)
        assert errors(response) == {"published_at": [error]}
        assert f'value="{time}"' in response.content.decode() or not time
        assert not Post.objects.exists()

    def test_a_time_that_comes_while_a_post_is_scheduled_publishes_it(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("blog.admin.forms.now", lambda: dt.datetime(2020, 1, 1, 6, 59, 59, tzinfo=dt.UTC))
        response = add(client, _step="schedule", published_at="2020-01-01T08:00")
        assert Post.objects.get().is_public
        (message,) = client.get(response["Location"]).context["messages"]
        assert str(message).startswith("Post published.")

    def test_publishing_a_scheduled_post_publishes_it_now(self, client: Client) -> None:
        post = post_in("scheduled")
        save(client, post, _step="publish")
        stored = Post.objects.get()
        assert stored.is_public
        assert stored.published_at
        assert abs(timezone.now() - stored.published_at) < dt.timedelta(minutes=1)

    def test_publishing_again_keeps_the_date_and_with_it_the_url(self, client: Client) -> None:
        post = post_in("draft", published_at=dt.datetime(2020, 1, 1, 12, 30, 15, tzinfo=dt.UTC))
        save(client, post, _step="publish")
        assert Post.objects.get().published_at == post.published_at

    @pytest.mark.parametrize("microsecond", [0, 123456])
    def test_a_time_that_is_not_changed_keeps_its_seconds(self, client: Client, microsecond: int) -> None:
        time = dt.datetime(2020, 1, 1, 12, 30, 15, microsecond, tzinfo=dt.UTC)
        post = PostFactory(published_at=time)
        save(client, post, title="Changed")
        assert (Post.objects.get().title, Post.objects.get().published_at) == ("Changed", time)
        save(client, Post.objects.get(), published_at="2020-01-01T13:31")
        assert Post.objects.get().published_at == time.replace(minute=31, second=0, microsecond=0)

    def test_a_time_that_is_skipped_is_an_error(self, client: Client) -> None:
        response = add(client, _step="schedule", published_at="2037-03-29T02:30")
        assert errors(response)["published_at"][0].startswith("There is no 02:30 on this day")
        assert 'value="2037-03-29T02:30"' in response.content.decode()
        for time, utc in (("01:59", 0), ("03:00", 1)):
            add(client, title=time, _step="schedule", published_at=f"2037-03-29T{time}")
            published_at = Post.objects.get(title=time).published_at
            assert published_at
            assert published_at.astimezone(dt.UTC).hour == utc

    def test_a_time_that_occurs_twice_has_to_be_chosen(self, client: Client) -> None:
        response = add(client, _step="schedule", published_at="2037-10-25T02:30")
        assert errors(response)["published_at"][0].startswith("02:30 occurs twice on this day")
        page = response.content.decode()
        assert re.findall(r'name="published_at_offset"\s+value="([^"]+)"', page) == ["+0200", "+0100"]
        for offset, utc in (("+0200", 0), ("+0100", 1)):
            add(client, title=offset, _step="schedule", published_at="2037-10-25T02:30", published_at_offset=offset)
            post = Post.objects.get(title=offset)
            assert post.published_at == dt.datetime(2037, 10, 25, utc, 30, tzinfo=dt.UTC)
            # The form chooses the same again.
            form = client.get(admin_url(post, "change")).content.decode()
            assert re.search(rf'value="{re.escape(offset)}"\s+checked', form)
            save(client, post, title=f"Again {offset}", published_at_offset=offset)
            assert Post.objects.get(title=f"Again {offset}").published_at == post.published_at

    def test_the_choice_is_ignored_when_the_time_is_changed(self, client: Client) -> None:
        add(client, _step="schedule", published_at="2037-10-26T02:30", published_at_offset="+0200")
        assert Post.objects.get().published_at == dt.datetime(2037, 10, 26, 1, 30, tzinfo=dt.UTC)


class TestErrors:
    def test_are_listed_with_links_to_their_fields_and_nothing_is_lost(self, client: Client) -> None:
        response = add(client, slug="not/possible", published_at="?", source="Kept *words*", tags="kept, tags")
        page = response.content.decode()
        assert "Nothing was saved. Please correct these errors:" in page
        for field in ("id_slug", "id_published_at"):
            assert f'<a href="#{field}">' in page
            assert f'id="{field}"' in page
        assert "autofocus" in page
        for kept in ("not/possible", "Kept *words*", "kept, tags"):
            assert kept in page
        assert not Post.objects.exists()

    def test_of_a_public_post_are_shown_as_well(self, client: Client) -> None:
        post = PostFactory()
        response = save(client, post, slug="not/possible")
        assert "slug" in errors(response)
        assert f'href="{post.get_absolute_url()}"' in response.content.decode()

    def test_the_status_shown_is_the_stored_one(self, client: Client) -> None:
        post = post_in("draft")
        response = save(client, post, slug="not/possible", _step="publish")
        assert response.context["state_sentence"] == "Draft"

    def test_a_step_that_became_impossible_is_explained(self, client: Client) -> None:
        post = post_in("draft")
        data = form_data(post, _step="publish")
        Post.objects.filter(pk=post.pk).update(status=Status.TRASH)
        response = client.post(admin_url(post, "change"), data)
        assert "This can't be done now" in errors(response)["__all__"][0]


class TestSlug:
    def test_after_publishing_the_form_says_that_the_old_url_keeps_working(self, client: Client) -> None:
        post = PostFactory()
        said = "If you change it, the old URL leads to the new one."
        assert said not in client.get(admin_url(post_in("draft"), "change")).content.decode()
        assert said in client.get(admin_url(post, "change")).content.decode()
        save(client, post, slug="another")
        assert Client().get(post.get_absolute_url())["Location"] == Post.objects.get(pk=post.pk).get_absolute_url()


@pytest.mark.parametrize(
    ("latest", "older", "given", "offered"),
    [
        ("fr", "fr", "", "fr"),
        ("fr", "fr", "?language=es", "es"),
        ("fr", "en", "", ""),
        ("fr", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_new_text_has_the_language_of_the_latest_ones_of_its_author(
    client: Client, editor: User, latest: str, older: str, given: str, offered: str
) -> None:
    PostFactory(author=editor, language=latest)
    PostFactory(author=editor, language=older)
    PostFactory(language="ar")
    PostFactory(author=editor, language="ar", status=Status.DRAFT)
    page = read(client.get(admin_url(Post, "add") + given))
    options = find(page, "#id_language option")
    assert [option.get("value") for option in options if option.get("selected") is not None] == [offered]


class TestFeaturedImage:
    def test_is_shown_with_its_alternative_text_and_credit(self, client: Client, editor: User) -> None:
        picture = store_picture(picture_file(), by=editor)
        picture.alt, picture.credit = "A <lamp>", "R. <Lamp>"
        picture.save()
        page = client.get(admin_url(PostFactory(featured_picture=picture), "change")).content.decode()
        assert f'<img src="{picture.current_url}" alt="A &lt;lamp&gt;"' in page
        assert "Credit: R. &lt;Lamp&gt;" in page

    def test_without_scripts_its_id_can_be_looked_up(self, client: Client, editor: User) -> None:
        picture = store_picture(picture_file(), by=editor)
        link = one(read(client.get(admin_url(Post, "add"))), ".writing-picture-id a")
        library = client.get(link.attrib["href"]).content.decode()
        assert f"<strong>ID {picture.pk}</strong>" in library
        # Also after a search. Otherwise, nobody needs the ID.
        assert '<input type="hidden" name="_to_field" value="id">' in library
        assert "<strong>ID" not in client.get("/admin/media/picture/").content.decode()

    @pytest.mark.parametrize("value", ["nonsense", "0", "99999999999999999999", "-1", "²"])
    def test_a_wrong_id_is_an_error(self, client: Client, value: str) -> None:
        response = add(client, featured_picture=value)
        assert "featured_picture" in errors(response)


@pytest.mark.parametrize(("with_other_terms", "limit"), [(False, 18), (True, 28)])
def test_saving_a_long_post_takes_few_queries(
    client: Client, django_capture_on_commit_callbacks: Any, with_other_terms: bool, limit: int
) -> None:
    """10 kB, also with a tag and a category in the place of others; all queries of the request.

    PostgreSQL locks the post before it compares the rows from which listings are read.
    """
    limit += connection.features.has_select_for_update
    kept, removed, added = CategoryFactory(), CategoryFactory(), CategoryFactory()
    post = PostFactory(tags=["one", "two"], categories=[kept, removed])
    text = "Words and *words*. " * 530
    tags, categories = ("one, three", [kept, added]) if with_other_terms else ("one, two", [kept, removed])
    data = form_data(post, title="Other", source=text, tags=tags, categories=[each.pk for each in categories])
    assert len(text) > 10_000
    client.get(admin_url(post, "change"))
    with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
        assert client.post(admin_url(post, "change"), data).status_code == 302
    # Savepoints don't count as queries. In a test, the transaction of the request is one as well. There is no other.
    queries = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert captured[-1]["sql"].startswith("RELEASE SAVEPOINT")
    assert len(queries) <= limit, "\n".join(query[:120] for query in queries)

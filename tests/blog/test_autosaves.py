"""Autosaving: what is kept until it is saved, to which users it is offered, and which are shown as editing."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from blog import publishing
from blog.admin.autosaving import MAX_BYTES
from blog.editing import autosaves
from blog.models import Autosave, Page, Post, Status
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data, user_in_role
from tests.factories.types import AtOnce

FORM_ID = uuid.UUID("8a3c7c3e-3f0a-4f0e-9d4c-3f1d2f0b7a11")
NEW_POST = reverse("admin:blog_post_autosave_new", args=[FORM_ID])


@pytest.fixture
def ruth(db: None) -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth")
    return user


@pytest.fixture
def client(ruth: User) -> Client:
    return client_of(ruth)


def typed(entry: Post | Page | None = None, **changes: Any) -> dict[str, list[str]]:
    """Return the fields that the script sends."""
    data = form_data(entry, **changes)
    return {
        name: [str(each) for each in (value if isinstance(value, list) else [value])] for name, value in data.items()
    }


def send(client: Client, url: str, fields: Any, query: str = "", version: str = "") -> Any:
    body = json.dumps({"version": version, "fields": fields})
    return client.post(url + query, body, content_type="application/json")


def initial(page: Any) -> dict[str, Any]:
    form = page.context["adminform"].form
    return {name: form[name].value() for name in form.fields}


class TestKeeping:
    def test_there_is_one_row_for_each_person_and_post(self, client: Client, ruth: User) -> None:
        post = PostFactory()
        url = admin_url(post, "autosave")
        for source in ("One", "One two"):
            assert send(client, url, typed(post, source=source)).status_code == 200
        send(client_of(UserFactory(role="Editor")), url, typed(post, source="Other"))
        assert Autosave.objects.count() == 2
        mine = Autosave.objects.get(user=ruth)
        assert mine.data
        assert mine.data["source"] == ["One two"]
        assert Post.objects.get().source == post.source
        assert not post.revisions.exists()

    def test_an_open_form_without_changes_keeps_what_was_typed_before(self, client: Client) -> None:
        post = PostFactory()
        send(client, admin_url(post, "autosave"), typed(post, source="Typed"))
        send(client, admin_url(post, "autosave"), None)
        row = Autosave.objects.get()
        assert row.data
        assert row.data["source"] == ["Typed"]

    def test_takes_one_statement_to_store(self, ruth: User) -> None:
        form = autosaves.OpenForm(ruth, "post", PostFactory().pk)
        with CaptureQueriesContext(connection) as statements:
            form.report({"source": ["Typed"]})
        assert len([each for each in statements if "SAVEPOINT" not in each["sql"]]) == 1

    @pytest.mark.parametrize("fields", ["text", [1], {"source": "text"}, {"source": [1]}, {"source": None}, 7])
    def test_data_that_is_not_a_form_is_refused(self, client: Client, fields: Any) -> None:
        assert send(client, NEW_POST, fields).status_code == 400
        assert not Autosave.objects.exists()

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", "[" * 100_000])
    def test_data_that_is_not_json_is_refused(self, client: Client, body: str) -> None:
        assert client.post(NEW_POST, body, content_type="application/json").status_code == 400

    def test_data_that_is_too_large_is_refused(self, client: Client) -> None:
        assert send(client, NEW_POST, {"source": ["x" * MAX_BYTES]}).status_code == 413

    def test_characters_that_a_database_rejects_are_left_out(self, client: Client) -> None:
        assert send(client, NEW_POST, {"source": ["a\0b\ud800"]}).status_code == 200
        assert Autosave.objects.get().data == {"source": ["ab"]}

    def test_needs_a_csrf_token(self, ruth: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(ruth)
        assert send(strict, NEW_POST, {}).status_code == 403
        token = strict.get(NEW_POST).json()["token"]
        body = json.dumps({"fields": {}})
        response = strict.post(NEW_POST, body, content_type="application/json", headers={"X-CSRFToken": token})
        assert response.status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_leave_one_row(self, at_once: AtOnce) -> None:
        form = autosaves.OpenForm(UserFactory(role="Editor"), "post", PostFactory().pk)
        at_once(*[lambda index=index: form.report({"source": [str(index)]}) for index in range(4)])
        assert Autosave.objects.count() == 1


class TestOffering:
    def test_text_typed_into_a_post_is_offered_with_the_differences_and_restored(self, client: Client) -> None:
        post = PostFactory(title="Stored", source="One small lamp.", tags=["old"])
        fields = typed(
            post, source="One bright lamp.", tags="old, new", published_at="2020-02-02T08:30", comments_open=None
        )
        send(client, admin_url(post, "autosave"), fields)
        page = client.get(admin_url(post, "change"))
        html = page.content.decode()
        assert "that you didn&#x27;t save" in html or "that you didn't save" in html
        assert "bright<span" in html
        assert initial(page)["source"] == "One small lamp."
        restored = initial(client.get(admin_url(post, "change") + "?autosave="))
        assert (restored["source"], restored["tags"]) == ("One bright lamp.", "old, new")
        assert restored["published_at"] == "2020-02-02T08:30"
        assert restored["comments_open"] is False

    def test_text_typed_into_a_new_post_is_offered_and_restored(self, client: Client) -> None:
        send(client, NEW_POST, typed(title="Never <saved>", source="Words"))
        html = client.get(admin_url(Post, "add")).content.decode()
        assert escape("Never <saved>") in html
        assert f"?autosave={FORM_ID}" in html
        page = client.get(admin_url(Post, "add") + f"?autosave={FORM_ID}")
        assert initial(page)["source"] == "Words"
        assert f'name="autosave" value="{FORM_ID}"' in " ".join(page.content.decode().split())

    def test_a_note_to_the_author_is_offered_and_restored(self, client: Client) -> None:
        post = PostFactory(status=Status.PENDING)
        send(client, admin_url(post, "autosave"), typed(post, _note="Which <year>?"))
        assert escape("Which <year>?") in client.get(admin_url(post, "change")).content.decode()
        page = client.get(admin_url(post, "change") + "?autosave=")
        assert page.context["note_to_author"] == "Which <year>?"

    def test_no_one_else_is_offered_it(self, client: Client) -> None:
        post = PostFactory(source="Stored")
        send(client, admin_url(post, "autosave"), typed(post, source="Secret words"))
        send(client, NEW_POST, typed(source="Secret words"))
        other = client_of(UserFactory(role="Editor"))
        for url in (admin_url(post, "change"), admin_url(Post, "add"), admin_url(Page, "add")):
            for query in ("", "?autosave=", f"?autosave={FORM_ID}", "?autosave=x"):
                assert "Secret words" not in other.get(url + query).content.decode()

    def test_nothing_is_offered_if_nothing_differs(self, client: Client) -> None:
        post = PostFactory(tags=["b", "A"])
        send(client, admin_url(post, "autosave"), typed(post))
        assert client.get(admin_url(post, "change")).context["autosave"]["offers"] == []

    def test_nothing_differs_if_the_new_category_was_added_but_the_response_was_lost(self, client: Client) -> None:
        post = PostFactory()
        client.post(admin_url(post, "change"), form_data(post, new_category="Awards"))
        fields = typed(post, new_category="Awards")
        assert not send(client, admin_url(post, "autosave"), fields, "?compare").json()["differs"]

    @pytest.mark.parametrize(
        "fields", [{}, {"source": []}, {"published_at_0": ["x"], "categories": ["y"], "tags": [","]}]
    )
    def test_hostile_fields_are_shown_and_restored_without_an_error(self, client: Client, fields: Any) -> None:
        post = PostFactory()
        send(client, admin_url(post, "autosave"), fields)
        assert send(client, admin_url(post, "autosave"), fields, "?compare").status_code == 200
        for query in ("", "?autosave="):
            assert client.get(admin_url(post, "change") + query).status_code == 200

    @pytest.mark.parametrize("page", [False, True])
    def test_saving_forgets_it(self, client: Client, page: bool) -> None:
        entry = PageFactory() if page else PostFactory()
        send(client, admin_url(entry, "autosave"), typed(entry, source="Typed"))
        response = client.post(admin_url(entry, "change"), form_data(entry, source="Typed"))
        assert response.cookies["saved_form"].value == f"{entry.kind}-{entry.pk}"
        assert not Autosave.objects.exists()

    def test_saving_a_new_post_forgets_it_but_an_error_does_not(self, client: Client, ruth: User) -> None:
        send(client, NEW_POST, typed(source="Typed"))
        data = form_data(title="New", author=ruth.pk, autosave=str(FORM_ID))
        client.post(admin_url(Post, "add"), data | {"slug": "not/possible"})
        assert Autosave.objects.exists()
        response = client.post(admin_url(Post, "add"), data)
        assert response.cookies["saved_form"].value == str(FORM_ID)
        row = Autosave.objects.get()
        assert (row.data, row.saved_at, row.entry_id) == (None, None, Post.objects.get().pk)
        assert client.get(admin_url(Post, "add")).context["autosave"]["offers"] == []
        assert client.get(admin_url(Post.objects.get(), "change")).context["autosave"]["offers"] == []

    def test_it_can_be_discarded_without_javascript(self, client: Client) -> None:
        post = PostFactory(source="Stored")
        send(client, admin_url(post, "autosave"), typed(post, source="Typed"))
        response = client.post(admin_url(post, "autosave"), {"discard": ""}, follow=True)
        assert "The unsaved version was discarded." in response.content.decode()
        assert not Autosave.objects.exists()

    def test_the_script_discards_it_without_leaving_the_form(self, client: Client) -> None:
        send(client, NEW_POST, typed(source="Typed"))
        assert client.post(f"{NEW_POST}?discard", "{}", content_type="application/json").json() == {}
        assert not Autosave.objects.exists()
        assert client.get(admin_url(Post, "add")).context["autosave"]["offers"] == []

    def test_the_newest_three_new_posts_are_offered_by_title_or_first_words(self, client: Client) -> None:
        for title, source in [
            ("First", ""),
            ("", f"Second. {'Words ' * 20}"),
            ("", "\n Third\n words"),
            ("Last", "Text"),
        ]:
            url = reverse("admin:blog_post_autosave_new", args=[uuid.uuid4()])
            send(client, url, typed(title=title, source=source))
        offers = client.get(admin_url(Post, "add")).context["autosave"]["offers"]
        names = [offer["name"] for offer in offers]
        assert names == ["Last", "Third words", f"Second. {'Words ' * 8}Wor…"]
        fields = typed(title="Only in the browser")
        assert send(client, NEW_POST, fields, "?compare").json()["name"] == "Only in the browser"

    def test_restoring_does_not_hide_that_someone_else_saved_since(self, client: Client) -> None:
        post = PostFactory(source="Stored")
        send(client, admin_url(post, "autosave"), typed(post, source="Mine"))
        client_of(UserFactory(role="Editor")).post(admin_url(post, "change"), form_data(post, source="Theirs"))
        restored = initial(client.get(admin_url(post, "change") + "?autosave="))
        data = form_data(Post.objects.get(), source=restored["source"], version=restored["version"])
        assert client.post(admin_url(post, "change"), data).status_code == 200
        assert Post.objects.get().source == "Theirs"

    def test_old_ones_are_deleted(self, client: Client) -> None:
        send(client, NEW_POST, typed(source="Long ago"))
        autosaves.delete_old()
        assert Autosave.objects.exists()
        Autosave.objects.update(seen_at=timezone.now() - autosaves.KEPT_FOR - dt.timedelta(days=1))
        autosaves.delete_old()
        assert not Autosave.objects.exists()

    def test_those_of_others_stay_when_someone_saves_while_the_clock_is_ahead(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(client, NEW_POST, typed(source="Theirs"))
        form = autosaves.OpenForm(UserFactory(role="Editor"), "post", PostFactory().pk)
        monkeypatch.setattr(timezone, "now", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=365))
        form.discard()
        assert Autosave.objects.exists()

    def test_deleting_the_post_or_the_person_deletes_it(self, client: Client, ruth: User) -> None:
        post = PostFactory()
        send(client, admin_url(post, "autosave"), typed(post, source="Typed"))
        send(client, NEW_POST, typed(source="Typed"))
        post.delete()
        assert Autosave.objects.count() == 1
        ruth.delete()
        assert not Autosave.objects.exists()


@given(
    st.one_of(
        st.none(),
        st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
    )
)
def test_only_lists_of_texts_are_accepted_as_fields(value: Any) -> None:
    fields = autosaves.to_form_values(value)
    assert fields is None or all(isinstance(each, str) for values in fields.values() for each in values)


class TestSubmittingAgain:
    """The form of a new post makes one post, even after a double click without JavaScript."""

    def data(self, ruth: User, **changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "title": "Once",
            "source": "Words",
            "tags": "a, b",
            "author": ruth.pk,
            "_step": "publish",
        }
        return form_data(**fields | {"autosave": str(FORM_ID)} | changes)

    @pytest.mark.parametrize("time", ["", "2099-01-01T10:00"])
    def test_saves_it_once(self, client: Client, ruth: User, time: str) -> None:
        data = self.data(ruth, slug="", excerpt="", language="", password="", published_at=time)
        assert client.post(admin_url(Post, "add"), data).status_code == 302
        response = client.post(admin_url(Post, "add"), data, follow=True)
        post = Post.objects.get()
        assert response.redirect_chain == [(admin_url(post, "change"), 302)]
        assert "it was not saved again" in response.content.decode()
        assert response.context["autosave"]["offers"] == []

    def test_saves_a_translation_once(self, client: Client, ruth: User) -> None:
        original = PostFactory(language="en")
        data = self.data(ruth, language="ar", translation_of=original.pk, original_version=original.modified_at)
        responses = [client.post(admin_url(Post, "add"), data) for _click in range(2)]
        translation = Post.objects.get(language="ar")
        assert [response["Location"] for response in responses] == [admin_url(translation, "change")] * 2

    def test_saves_it_once_even_after_the_post_was_changed(self, client: Client, ruth: User) -> None:
        data = self.data(ruth)
        client.post(admin_url(Post, "add"), data)
        post = Post.objects.get()
        send(client, admin_url(post, "autosave"), typed(post, source="More words"))
        client.post(admin_url(post, "change"), form_data(post, source="More words"))
        assert client.get(admin_url(post, "change")).context["autosave"]["offers"] == []
        client.post(admin_url(Post, "add"), data)
        assert Post.objects.get().source == "More words"

    def test_keeps_differences_in_the_second_submission_as_unsaved(self, client: Client, ruth: User) -> None:
        client.post(admin_url(Post, "add"), self.data(ruth))
        response = client.post(admin_url(Post, "add"), self.data(ruth, source="Words, and more\0"), follow=True)
        post = Post.objects.get()
        assert response.redirect_chain == [(f"{admin_url(post, 'change')}?autosave=", 302)]
        assert initial(response)["source"] == "Words, and more"
        assert initial(response)["slug"] == "once"
        assert post.source == "Words"

    def test_an_author_who_may_no_longer_change_it_is_told(self, ruth: User) -> None:
        amina = UserFactory(role="Author")
        client = client_of(amina)
        data = form_data(title="Once", source="Words", autosave=str(FORM_ID), _step="submit")
        client.post(admin_url(Post, "add"), data)
        Post.objects.update(status=Status.PUBLISHED, published_at=timezone.now())
        response = client.post(admin_url(Post, "add"), data | {"source": "Other"}, follow=True)
        assert "it was not saved again" in response.content.decode()
        assert Post.objects.get().source == "Words"

    def test_the_forms_of_other_users_are_different_forms(self, client: Client, ruth: User) -> None:
        client.post(admin_url(Post, "add"), self.data(ruth))
        other = UserFactory(role="Editor")
        client_of(other).post(admin_url(Post, "add"), self.data(other))
        assert Post.objects.count() == 2

    def test_the_form_that_has_made_a_post_leads_to_it(self, client: Client, ruth: User) -> None:
        form_url = f"{admin_url(Post, 'add')}?autosave={FORM_ID}"
        # The script opens the form at its own URL before it sends it. What has errors was typed just now.
        response = client.post(form_url, self.data(ruth, published_at="x"))
        assert response.context["autosave"]["restored"] is None
        client.post(form_url, self.data(ruth))
        assert client.get(form_url)["Location"] == admin_url(Post.objects.get(), "change")

    @pytest.mark.django_db(transaction=True)
    def test_at_the_same_time(self, ruth: User, at_once: AtOnce) -> None:
        clients = [client_of(ruth) for _ in range(3)]
        data = self.data(ruth)
        posts = at_once(*[lambda each=each: each.post(admin_url(Post, "add"), data) for each in clients])
        assert [response.status_code for response in posts] == [302] * 3
        assert Post.objects.count() == 1


@pytest.mark.django_db
class TestWhatIsGone:
    """A user has deleted the post that another was editing, or given it to a third."""

    def test_typed_text_becomes_a_new_post_even_after_a_double_click(self, client: Client, ruth: User) -> None:
        post = PostFactory(author=ruth)
        url, data = admin_url(post, "change"), form_data(post, title="Rescued", source="Words\0", _step="save")
        post.delete()
        responses = [client.post(url, data, follow=True) for _click in range(2)]
        for response in responses:
            assert "Your text is below. Saving it creates a new copy." in response.content.decode()
            assert initial(response) | {"title": "Rescued", "source": "Words"} == initial(response)
            assert "saved_form" not in client.cookies
        assert Autosave.objects.count() == 1
        form_id = response.context["autosave"]["form_id"]
        rescued = form_data(title="Rescued", source="Words", author=ruth.pk, autosave=form_id)
        assert client.post(admin_url(Post, "add"), rescued).status_code == 302
        assert Post.objects.get().source == "Words"
        assert not Autosave.objects.filter(data__isnull=False).exists()

    def test_an_author_keeps_text_for_a_post_that_became_another_authors(self) -> None:
        author = UserFactory(role="Author")
        client, post = client_of(author), PostFactory(author=author, status=Status.DRAFT)
        data = form_data(post, source="Mine", _step="save")
        Post.objects.update(author=UserFactory())
        response = client.post(admin_url(post, "change"), data, follow=True)
        assert initial(response)["source"] == "Mine"

    @pytest.mark.parametrize("number", ["abc", "999999", "_39"])
    def test_nothing_is_kept_of_data_that_is_not_a_form(self, client: Client, number: str) -> None:
        assert client.post(f"/admin/blog/post/{number}/change/", {"_step": "save"}).status_code == 302
        assert client.post(f"/admin/blog/post/{number}/delete/", {"post": "yes"}).status_code == 302
        assert "saved_form" not in client.cookies
        assert not Autosave.objects.exists()


class TestPresence:
    def test_others_see_who_is_editing_on_the_form_in_the_list_and_while_they_type(self, client: Client) -> None:
        post = PostFactory()
        send(client, admin_url(post, "autosave"), None)
        other = client_of(UserFactory(role="Editor"))
        sentence = "Ruth is editing this."
        assert sentence in other.get(admin_url(post, "change")).content.decode()
        assert sentence in other.get(admin_url(Post, "changelist")).content.decode()
        assert send(other, admin_url(post, "autosave"), None).json()["editing"] == sentence
        assert sentence not in client.get(admin_url(post, "change")).content.decode()

    @pytest.mark.parametrize(
        "since_last_seen",
        [autosaves.PRESENT_FOR + dt.timedelta(seconds=1), dt.timedelta(days=-365)],
        ids=["closed", "closed while the clock was ahead"],
    )
    def test_it_ends_soon_after_the_form_is_closed(self, client: Client, since_last_seen: dt.timedelta) -> None:
        post = PostFactory()
        send(client, admin_url(post, "autosave"), None)
        Autosave.objects.update(seen_at=timezone.now() - since_last_seen)
        page = client_of(UserFactory(role="Editor")).get(admin_url(post, "change"))
        assert "is editing this" not in page.content.decode()


@pytest.mark.django_db
class TestNews:
    """What an open form learns while it is open."""

    def test_who_has_saved_another_version(self, client: Client, ruth: User) -> None:
        post = PostFactory(status=Status.DRAFT)
        amal = UserFactory(role="Editor", display_name="Amal")
        url, version = admin_url(post, "autosave"), initial(client.get(admin_url(post, "change")))["version"]
        assert send(client, url, None, version=version).json()["editing"] == ""
        client_of(amal).post(admin_url(post, "change"), form_data(post, source="Changed"))
        # Bulk changes leave no revision, so that their author is unknown.
        for author in ("Amal", "Someone else"):
            sentence = f"{author} saved this after you opened it. When you save, you see both versions first."
            assert send(client, url, None, version=version).json()["editing"] == sentence
            publishing.publish(Post.objects.all(), amal)

    def test_another_tab_of_the_same_person(self, client: Client) -> None:
        post = PostFactory(status=Status.DRAFT)
        version = initial(client.get(admin_url(post, "change")))["version"]
        client.post(admin_url(post, "change"), form_data(post, source="Changed"))
        news = send(client, admin_url(post, "autosave"), None, version=version).json()
        assert news["editing"].startswith("You saved this in another tab or browser.")

    @pytest.mark.parametrize("version", ["", "x", "2026-13-41?language=en", "?"])
    def test_a_malformed_version_is_ignored(self, client: Client, version: str) -> None:
        assert send(client, admin_url(PostFactory(), "autosave"), None, version=version).json()["editing"] == ""

    def test_the_status_changes_when_the_time_comes(self, client: Client) -> None:
        post = PostFactory(published_at=timezone.now() + dt.timedelta(hours=1))
        states = []
        for _time in ("before", "after"):
            news = send(client, admin_url(post, "autosave"), None).json()
            states.append((news["state"], news["state_sentence"].split()[0]))
            Post.objects.update(published_at=timezone.now() - dt.timedelta(seconds=1))
        assert states == [("scheduled", "Scheduled"), ("published", "Published")]


# Whether each role may autosave into a post, and into the form of a new one.
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "whose", "status", "existing", "new"),
    [
        ("Author", "own", "draft", 200, 200),
        ("Author", "own", "pending", 200, 200),
        ("Author", "own", "published", 403, 200),
        ("Author", "own", "trash", 403, 200),
        ("Author", "other", "draft", 404, 200),
        ("Editor", "other", "draft", 200, 200),
        ("Editor", "other", "published", 200, 200),
        ("superuser", "other", "private", 200, 200),
        ("Moderator", "own", "draft", 403, 403),
        ("staff", "own", "draft", 403, 403),
        ("anonymous", "other", "draft", 401, 401),
    ],
)
def test_permissions(role: str, whose: str, status: str, existing: int, new: int) -> None:
    user = user_in_role(role)
    post = PostFactory(status=status, author=user if whose == "own" else UserFactory())
    client = client_of(user)
    assert send(client, admin_url(post, "autosave"), {}).status_code == existing
    assert client.get(admin_url(post, "autosave")).status_code == existing
    assert send(client, NEW_POST, {}).status_code == new
    assert Autosave.objects.count() == [existing, new].count(200)


def test_logging_out_clears_the_copies_in_the_browser(client: Client) -> None:
    assert client.post("/admin/logout/")["Clear-Site-Data"] == '"storage"'

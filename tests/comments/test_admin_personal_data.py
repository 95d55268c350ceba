"""Exporting and erasing personal data in the admin: data is shown, and erasing has to be confirmed."""

import datetime as dt
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import AuditRecord
from comments.models import Block, Comment, Erasure
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.responses import find, read, text

pytestmark = pytest.mark.django_db

URL = "/admin/comments/erasure/"
ROSA = "Rosa@Example.org"


@pytest.fixture
def editor() -> Client:
    client = Client()
    client.force_login(UserFactory.create(role="Editor"))
    return client


@pytest.fixture
def comment() -> Comment:
    created: Comment = CommentFactory.create(name="Rosa L.", email=ROSA, text="What I think")
    return created


def submit(client: Client, button: str, **more: str) -> Any:
    return client.post(URL, {"email": " rosa@example.org", button: "1", **more})


class TestPermissions:
    @pytest.mark.parametrize(("role", "status"), [("Author", 403), ("Moderator", 403), ("Editor", 200)])
    def test_editors_may_and_moderators_may_not(self, role: str, status: int, comment: Comment) -> None:
        client = Client()
        client.force_login(UserFactory.create(role=role))
        assert client.get(URL).status_code == status
        assert submit(client, "show").status_code == status
        assert submit(client, "export").status_code == status
        assert ('href="/admin/comments/erasure/"' in client.get("/admin/comments/comment/").text) is (status == 200)
        assert submit(client, "erase", texts="delete").status_code == (302 if status == 200 else 403)
        assert Comment.objects.exists() is (status != 200)

    def test_how_people_with_an_account_log_in_is_for_owners_and_stays(self, editor: Client) -> None:
        owner = UserFactory.create(username="rosa", email=ROSA, is_staff=True, is_superuser=True)
        CommentFactory.create(user=owner)
        Authenticator.objects.create(user=owner, type="totp", data={})
        client = Client()
        client.force_login(owner)
        assert submit(client, "export").text.count('rosa"') == 2
        assert "totp" in submit(client, "export").text
        for button in ("export", "show"):
            page = submit(editor, button).text
            assert "totp" not in page
            assert 'rosa"' not in page
        submit(editor, "erase", texts="keep")
        assert Authenticator.objects.exists()
        assert client.get("/admin/account/").status_code == 200

    def test_anonymous_users_are_refused(self, client: Client, comment: Comment) -> None:
        assert submit(client, "export").status_code == 302
        assert submit(client, "erase", texts="delete").headers["Location"].startswith("/admin/login/")
        assert Comment.objects.exists()

    def test_a_csrf_token_is_required(self, comment: Comment) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory.create(role="Editor"))
        assert submit(client, "erase", texts="delete").status_code == 403
        assert Comment.objects.exists()

    @pytest.mark.parametrize("path", ["add/", "1/change/", "1/delete/", "1/history/"])
    def test_there_are_no_other_pages(self, path: str, editor: Client) -> None:
        Erasure.objects.create(pk=1, key="x")
        assert editor.get(f"{URL}{path}").status_code in {302, 403}
        assert Erasure.objects.exists()


class TestShowing:
    def test_counts_and_texts_are_shown(self, editor: Client, comment: Comment) -> None:
        Block.objects.create(kind="email", text=ROSA)
        page = read(submit(editor, "show"))
        shown = text(page)
        assert "What I think" in shown
        assert "Rosa L." in shown
        assert [text(each) for each in find(page, ".person-summary dd")] == ["1", "0", "1", *"00000000"]

    def test_no_url_contains_the_email_address(self, editor: Client, comment: Comment) -> None:
        """URLs end up in the log of the web server."""
        for button in ("show", "choose"):
            response = submit(editor, button, texts="keep")
            assert "no-store" in response.headers["Cache-Control"]
            assert all("rosa" not in each.get("href", "").lower() for each in find(read(response), "a"))
        assert submit(editor, "erase", texts="keep").headers["Location"] == URL

    def test_it_says_if_no_data_is_stored(self, editor: Client) -> None:
        assert "No data is stored" in submit(editor, "show").text

    def test_hostile_text_is_escaped(self, editor: Client) -> None:
        CommentFactory.create(name="<script>1</script>", email=ROSA, text="<script>2</script>", website="javascript:3")
        page = read(submit(editor, "show"))
        assert not [each for each in find(page, "script") if each.text]
        assert "javascript:3" not in [each.get("href") for each in find(page, "a")]
        page = read(editor.post(URL, {"email": '"><script>4</script>', "show": "1"}))
        assert not [each for each in find(page, "script") if each.text]

    def test_an_empty_address_is_refused(self, editor: Client) -> None:
        response = editor.post(URL, {"email": " ", "show": "1"})
        assert "This field is required." in response.text

    def test_many_comments_take_no_more_queries_than_few(
        self, editor: Client, django_assert_max_num_queries: Any
    ) -> None:
        post = PostFactory.create()
        for _ in range(60):
            CommentFactory.create(entry=post, email=ROSA)
        with django_assert_max_num_queries(25):
            page = submit(editor, "show")
        assert len(find(read(page), ".person-comments > li")) == 50
        assert "newest 50" in page.text

    def test_the_export_contains_everything(self, editor: Client, comment: Comment) -> None:
        response = submit(editor, "export")
        assert response.headers["Content-Disposition"] == 'attachment; filename="personal-data.json"'
        assert "no-store" in response.headers["Cache-Control"]
        assert json.loads(response.content)["comments"][0]["text"] == "What I think"


class TestErasing:
    def test_erasing_has_to_be_confirmed(self, editor: Client, comment: Comment) -> None:
        for texts, question in (("keep", "data and keep the comments?"), ("delete", "data and all comments?")):
            assert question in submit(editor, "choose", texts=texts).text
        comment.refresh_from_db()
        assert comment.email == ROSA

    def test_what_happens_to_the_comments_has_to_be_chosen(self, editor: Client, comment: Comment) -> None:
        for button in ("choose", "erase"):
            assert "Choose what happens to the comments." in submit(editor, button).text
        comment.refresh_from_db()
        assert comment.email == ROSA

    def test_texts_can_be_kept(self, editor: Client, comment: Comment) -> None:
        assert submit(editor, "erase", texts="keep").status_code == 302
        comment.refresh_from_db()
        assert (comment.name, comment.email, comment.text) == ("", "", "What I think")
        assert "kept as “Anonymous”: 1" in editor.get(URL).text

    def test_texts_can_be_deleted(self, editor: Client, comment: Comment) -> None:
        submit(editor, "erase", texts="delete")
        assert not Comment.objects.exists()
        assert "Comments deleted: 1" in editor.get(URL).text

    def test_the_log_says_who_erased_but_not_whose_data(self, editor: Client, comment: Comment) -> None:
        submit(editor, "erase", texts="delete")
        record = AuditRecord.objects.get(action="erased")
        assert record.details == "Comments deleted."
        assert "rosa" not in repr(vars(record)).lower()

    def test_the_page_says_if_an_erasure_is_not_finished(self, editor: Client) -> None:
        assert "is not finished" not in editor.get(URL).text
        begun_at = dt.datetime(2019, 12, 3, 10, 4, tzinfo=dt.UTC)
        Erasure.objects.create(key="a" * 64, erased_at=begun_at, unfinished="keep")
        shown = text(read(editor.get(URL)))
        assert "An erasure is not finished (Tue 3 December 2019, 10:04). If it was interrupted, the rest" in shown

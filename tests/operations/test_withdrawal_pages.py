"""Withdrawing a name in the admin: the form, the preview, the withdrawal, and undoing it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import AuditRecord
from blog.models import Post
from media.documents import store_document
from operations.admin import withdrawals as pages
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals import lifecycle, working
from operations.withdrawals.tasks import continue_withdrawal
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.files import pdf_file
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

LIST = "/admin/operations/withdrawal/"


@pytest.fixture
def owner() -> Client:
    return client_of(UserFactory(is_superuser=True, is_staff=True))


def look_for(owner: Client, name: str = "Ann Lée", **fields: Any) -> Withdrawal:
    """Submit the form, and return the withdrawal that was created."""
    response = owner.post(f"{LIST}add/", {"name": name, "replacement": "[…]", **fields})
    withdrawal = Withdrawal.objects.latest("pk")
    assert response["Location"] == f"{LIST}{withdrawal.pk}/change/"
    return withdrawal


def press(owner: Client, withdrawal: Withdrawal, button: str, **fields: Any) -> str:
    """Press a button, and return the page that follows."""
    response = owner.post(f"{LIST}{withdrawal.pk}/change/", {"do": button, **fields}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


class TestForm:
    @pytest.mark.parametrize(
        ("field", "fields"),
        [
            ("name", {"name": ""}),
            ("name", {"name": "!"}),
            ("name", {"name": "A"}),
            ("others", {"others": "B"}),
            ("others", {"others": "\n".join(f"Ann{'n' * number} Lee" for number in range(60))}),
            ("replacement", {"replacement": ""}),
            ("replacement", {"replacement": "<b>"}),
            ("replacement", {"replacement": "a, b"}),
            ("replacement", {"replacement": "not Ann Lee"}),
        ],
    )
    def test_explains_invalid_input(self, owner: Client, field: str, fields: dict[str, str]) -> None:
        response = owner.post(f"{LIST}add/", {"name": "Ann Lee", "replacement": "[…]", **fields})
        assert list(response.context["form"].errors) == [field]
        assert not Withdrawal.objects.exists()

    def test_can_use_the_name_of_an_account(self, owner: Client) -> None:
        author = UserFactory(display_name="Ann Lée")
        PostFactory(title="By Ann Lée")
        withdrawal = look_for(owner, "", author=author.pk)
        assert withdrawal.counts == {"accounts.user": 1, "blog.entry": 1}

    def test_says_if_another_withdrawal_is_running(self, owner: Client) -> None:
        lifecycle.start(["Bo Chen"], "X", None)
        response = owner.post(f"{LIST}add/", {"name": "Ann Lee", "replacement": "[…]"})
        assert "Another withdrawal is running" in response.content.decode()

    @pytest.mark.parametrize("path", ["", "add/", "1/change/"])
    def test_is_only_for_owners(self, path: str) -> None:
        Withdrawal.objects.create(pk=1)
        for role in ("Editor", "Author", "Moderator"):
            assert client_of(UserFactory(role=role)).get(LIST + path).status_code == 403

    def test_asks_owners_to_confirm_their_identity(self, owner: Client) -> None:
        session = owner.session
        session["confirmed_at"] = 0
        session.save()
        assert "/confirm/" in owner.get(f"{LIST}add/")["Location"]


class TestPreview:
    def test_takes_as_many_queries_for_many_texts_as_for_one(self, owner: Client) -> None:
        counts = []
        for total in (1, 12):
            for number in range(total):
                PostFactory(title=f"{number} of Ann Lée")
            withdrawal = look_for(owner)
            Withdrawal.objects.update(by_hand=[["blog.entry", str(post.pk)] for post in Post.objects.all()])
            with CaptureQueriesContext(connection) as queries:
                shown = owner.get(f"{LIST}{withdrawal.pk}/change/").content.decode()
            assert all(f"/admin/blog/post/{post.pk}/change/" in shown for post in Post.objects.all())
            counts.append(len(queries))
            lifecycle.discard(withdrawal)
        assert counts[0] == counts[1]

    def test_shows_matches_in_context(self, owner: Client) -> None:
        post = PostFactory(title="x", source="They have freed Ann Lée at last.")
        page = press(owner, look_for(owner), "continue")
        assert "They have freed <mark>Ann Lée</mark> at last." in " ".join(page.split())
        assert f"/admin/blog/post/{post.pk}/change/" in page
        assert Post.objects.get(pk=post.pk).source == "They have freed Ann Lée at last."

    def test_escapes_matches(self, owner: Client) -> None:
        PostFactory(title="x", source="<script>Ann Lée</script>")
        page = press(owner, look_for(owner), "continue")
        assert "<script>Ann" not in page

    def test_suggests_other_spellings(self, owner: Client) -> None:
        PostFactory(title="Ann Lée")
        PostFactory(title="Lée, Ann")
        withdrawal = look_for(owner)
        assert "Lée, Ann" in press(owner, withdrawal, "continue")
        press(owner, withdrawal, "search", also="Lée, Ann")
        withdrawal.refresh_from_db()
        assert withdrawal.counts == {"blog.entry": 2}
        assert lifecycle.secret_of(withdrawal).spellings == ["Ann Lée", "Lée, Ann"]

    def test_adds_only_suggested_spellings(self, owner: Client) -> None:
        withdrawal = look_for(owner)
        press(owner, withdrawal, "search", also="the")
        withdrawal.refresh_from_db()
        assert lifecycle.secret_of(withdrawal).spellings == ["Ann Lée"]

    def test_lists_what_has_to_be_changed_by_hand(self, owner: Client) -> None:
        account = UserFactory(username="ann-lee", display_name="A")
        document = store_document(pdf_file(), title="The verdict", by=account)
        PostFactory(source=f"Ann Lée: [it]({document.file.url})")
        page = press(owner, look_for(owner), "continue")
        assert f"/admin/accounts/user/{account.pk}/change/" in page
        assert f"/admin/media/document/{document.pk}/change/" in page

    def test_can_be_discarded(self, owner: Client) -> None:
        press(owner, look_for(owner), "discard")
        assert not Withdrawal.objects.exists()

    def test_does_not_write_the_name_to_the_audit_log(self, owner: Client) -> None:
        PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        records = list(AuditRecord.objects.filter(kind="operations.withdrawal").order_by("pk"))
        assert [record.text for record in records] == ["Changed: Searched for a name.", "Withdrew a name"]
        assert not any("Ann" in f"{record.title} {record.details}" for record in AuditRecord.objects.all())


class TestWithdrawing:
    def test_takes_one_click_after_the_preview(self, owner: Client, client: Client) -> None:
        post = PostFactory(title="Free Ann Lée")
        old_url = post.get_absolute_url()
        CommentFactory(entry=post, text="Ann Lée!")
        page = press(owner, look_for(owner), "withdraw")
        assert "The name was replaced in 2 places." in " ".join(page.split())
        assert client.get(old_url).status_code == 410
        post.refresh_from_db()
        assert "Ann" not in client.get(post.get_absolute_url()).content.decode()

    def test_leaves_ticked_rows_alone(self, owner: Client) -> None:
        post = PostFactory(title="Ann Lée, the singer")
        press(owner, look_for(owner), "withdraw", leave=f"blog.entry:{post.pk}")
        post.refresh_from_db()
        assert post.title == "Ann Lée, the singer"

    def test_can_be_undone(self, owner: Client) -> None:
        post = PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        page = press(owner, withdrawal, "undo")
        assert "The former texts have been restored." in page
        post.refresh_from_db()
        assert post.title == "Ann Lée"

    def test_lists_rows_that_undoing_left_alone(self, owner: Client) -> None:
        post = PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        Post.objects.filter(pk=post.pk).update(title="New")
        assert f"/admin/blog/post/{post.pk}/change/" in press(owner, withdrawal, "undo")

    def test_can_be_made_final(self, owner: Client) -> None:
        PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        press(owner, withdrawal, "final")
        withdrawal.refresh_from_db()
        assert (withdrawal.state, withdrawal.sealed) == (WithdrawalState.FINAL, "")
        # It can no longer be undone.
        press(owner, withdrawal, "undo")
        withdrawal.refresh_from_db()
        assert withdrawal.state == WithdrawalState.FINAL

    def test_a_second_click_changes_nothing(self, owner: Client) -> None:
        PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        press(owner, withdrawal, "withdraw")
        withdrawal.refresh_from_db()
        assert withdrawal.rows.count() == 1

    def test_the_worker_continues_a_withdrawal_that_takes_longer(
        self, owner: Client, monkeypatch: pytest.MonkeyPatch, work: Work
    ) -> None:
        monkeypatch.setattr(pages, "_AT_ONCE", 0)
        monkeypatch.setattr(working, "_ROWS", 1)
        PostFactory.create_batch(3, title="Ann Lée")
        withdrawal = look_for(owner)
        assert "Looking for the name" in owner.get(f"{LIST}{withdrawal.pk}/change/").content.decode()
        work()
        withdrawal.refresh_from_db()
        assert withdrawal.state == WithdrawalState.FOUND
        press(owner, withdrawal, "withdraw")
        work()
        assert not Post.objects.filter(title="Ann Lée").exists()

    def test_a_changed_key_is_explained(self, owner: Client, settings: Settings) -> None:
        PostFactory(title="Ann Lée")
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        Withdrawal.objects.update(sealed="broken")
        assert "SECRET_KEY has changed" in owner.get(f"{LIST}{withdrawal.pk}/change/").content.decode()
        continue_withdrawal.func(withdrawal.pk)


class TestList:
    def test_does_not_show_the_names(self, owner: Client) -> None:
        withdrawal = look_for(owner)
        press(owner, withdrawal, "withdraw")
        page = owner.get(LIST).content.decode()
        assert f"Withdrawal {withdrawal.pk}" in page
        assert "Ann" not in page

    def test_the_dashboard_shows_unfinished_withdrawals(self, owner: Client) -> None:
        withdrawal = look_for(owner)
        assert "has not been withdrawn yet" in owner.get("/admin/").content.decode()
        press(owner, withdrawal, "withdraw")
        assert "has not been withdrawn yet" not in owner.get("/admin/").content.decode()

"""The links in an e-mail to moderators: they show the comment, ask for a click on a button, and decide once."""

import datetime as dt
from typing import Any
from unittest.mock import patch

import pytest
from django.core.signing import TimestampSigner
from django.test import Client
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, Decision, Event, Notification, NotificationPreference
from comments.models import CommentStatus as Status
from comments.moderation.decisions import mark_spam, undo
from comments.moderation.deletion import delete
from comments.notifications import decision_links
from tests.factories import CommentFactory, UserFactory
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

BECOMES = {"approve": Status.APPROVED, "spam": Status.SPAM, "trash": Status.TRASH}


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def moderator() -> Any:
    return UserFactory.create(role="Moderator", email="m@example.org")


@pytest.fixture
def notification(moderator: User) -> Notification:
    preference = NotificationPreference.objects.create(user=moderator)
    comment = CommentFactory.create(status=Status.PENDING, text="As it was <b>sent</b>.")
    return Notification.objects.create(
        comment=comment, event=Event.PENDING, moderator=preference, sent_at=timezone.now(), mark=comment.mark
    )


def decide_url(notification: Notification, action: str = "approve") -> str:
    assert notification.moderator is not None
    return decision_links.decision_urls(notification, notification.moderator.user)[action].removeprefix(
        "http://testserver"
    )


def submit_page(client: Client, url: str, headers: Any = None) -> Any:
    """Open the page and submit its form unchanged."""
    page = read(client.get(url))
    (form,) = find(page, "form") or [None]
    seen = one(form, "[name=seen]").get("value") if form is not None else ""
    return client.post(url, {"seen": seen}, headers=headers)


def status(notification: Notification) -> str:
    return Comment.objects.get(pk=notification.comment_id).status


class TestDeciding:
    @pytest.mark.parametrize("action", decision_links.ACTIONS)
    def test_each_link_decides_on_behalf_of_its_recipient(
        self, client: Client, notification: Notification, moderator: User, action: str
    ) -> None:
        url = decide_url(notification, action)
        response = submit_page(client, url)
        assert (response.status_code, response["Location"]) == (302, url)
        assert status(notification) == BECOMES[action]
        decision = Decision.objects.get()
        assert (decision.moderator, decision.was, decision.became) == (moderator, Status.PENDING, BECOMES[action])
        assert str(moderator) in text(one(read(client.get(url)), ".note"))

    @pytest.mark.parametrize("action", decision_links.ACTIONS)
    def test_get_and_head_requests_change_nothing(
        self, client: Client, notification: Notification, action: str
    ) -> None:
        for _ in range(2):
            assert client.get(decide_url(notification, action) + "?seen=x").status_code == 200
            assert client.head(decide_url(notification, action)).status_code == 200
        assert status(notification) == Status.PENDING
        assert Notification.objects.get().used_at is None

    def test_it_shows_the_comment_and_its_author(self, client: Client, notification: Notification) -> None:
        page = text(read(client.get(decide_url(notification))))
        assert "As it was <b>sent</b>." in page
        assert notification.comment.name in page
        assert notification.comment.email in page

    def test_the_url_is_not_leaked_and_no_cookie_is_set(self, client: Client, notification: Notification) -> None:
        for response in (client.get(decide_url(notification)), submit_page(client, decide_url(notification))):
            assert response["Cache-Control"] == "private, no-store"
            assert response["Referrer-Policy"] == "no-referrer"
            assert response["X-Robots-Tag"] == "noindex"
            assert not response.cookies

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_other_sites_cannot_submit_it(
        self, client: Client, notification: Notification, headers: dict[str, str]
    ) -> None:
        assert submit_page(client, decide_url(notification), headers).status_code == 403
        assert status(notification) == Status.PENDING

    def test_browsers_that_send_no_referrer_can_submit_it(self, client: Client, notification: Notification) -> None:
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        assert submit_page(client, decide_url(notification), headers).status_code == 302


class TestSingleUse:
    def test_a_second_submission_changes_nothing(self, client: Client, notification: Notification) -> None:
        submit_page(client, decide_url(notification))
        response = client.post(decide_url(notification, "trash"), {"seen": notification.comment.mark})
        assert response.status_code == 302
        assert status(notification) == Status.APPROVED
        assert Decision.objects.count() == 1

    def test_a_link_cannot_be_used_again_after_an_undo(
        self, client: Client, notification: Notification, moderator: User
    ) -> None:
        submit_page(client, decide_url(notification))
        undo(Decision.objects.get().batch, moderator)
        assert status(notification) == Status.PENDING
        page = read(client.get(decide_url(notification)))
        assert find(page, "form") == []
        assert "is pending again" in text(one(page, ".note"))
        client.post(decide_url(notification), {"seen": notification.comment.mark})
        assert status(notification) == Status.PENDING

    def test_the_second_moderator_sees_what_the_first_decided(self, client: Client, notification: Notification) -> None:
        other = UserFactory.create(display_name="Zoë")
        mark_spam([notification.comment], other)
        response = submit_page(client, decide_url(notification))
        assert response.status_code == 302
        assert status(notification) == Status.SPAM
        assert "Zoë decided: Spam" in text(one(read(client.get(decide_url(notification))), ".note"))


class TestChangedComments:
    def test_the_page_says_if_the_text_has_changed_since_the_mail(
        self, client: Client, notification: Notification
    ) -> None:
        Comment.objects.update(text="Buy!", html="<p>Buy!</p>")
        page = read(client.get(decide_url(notification)))
        assert "has changed since" in text(one(page, ".note"))
        assert "Buy!" in text(page)
        # Now it is seen.
        submit_page(client, decide_url(notification))
        assert status(notification) == Status.APPROVED

    @pytest.mark.parametrize(
        "changes", [{"text": "Buy!", "html": "<p>Buy!</p>"}, {"name": "Buy!"}, {"website": "https://buy.example/"}]
    )
    def test_a_comment_that_changes_while_the_page_is_open_has_to_be_confirmed_again(
        self, client: Client, notification: Notification, changes: dict[str, str]
    ) -> None:
        seen = one(read(client.get(decide_url(notification))), "[name=seen]").get("value")
        Comment.objects.update(**changes)
        response = client.post(decide_url(notification), {"seen": seen})
        assert response.status_code == 409
        assert "has changed since" in text(one(read(response), ".note"))
        assert status(notification) == Status.PENDING
        assert Notification.objects.get().used_at is None

    @pytest.mark.parametrize("seen", ["", "x", "0" * 64, "\x00"])
    def test_nothing_is_decided_without_a_valid_mark(
        self, client: Client, notification: Notification, seen: str
    ) -> None:
        assert client.post(decide_url(notification), {"seen": seen}).status_code == 409
        assert status(notification) == Status.PENDING


class TestPermissions:
    @pytest.mark.parametrize("lost", ["groups", "is_active", "is_staff"])
    def test_former_moderators_are_refused(
        self, client: Client, notification: Notification, moderator: User, lost: str
    ) -> None:
        if lost == "groups":
            moderator.groups.clear()
        else:
            User.objects.filter(pk=moderator.pk).update(**{lost: False})
        for response in (
            client.get(decide_url(notification)),
            client.post(decide_url(notification), {"seen": notification.comment.mark}),
        ):
            assert response.status_code == 403
            assert notification.comment.name not in response.content.decode()
        assert status(notification) == Status.PENDING

    def test_the_link_expires_after_a_week(self, client: Client, notification: Notification) -> None:
        url = decide_url(notification)
        later = (timezone.now() + dt.timedelta(days=7, minutes=1)).timestamp()
        with patch("django.core.signing.time.time", return_value=later):
            for response in (client.get(url), client.post(url, {"seen": notification.comment.mark})):
                assert response.status_code == 410
                assert "7 days" in response.content.decode()
        assert status(notification) == Status.PENDING

    def test_the_link_expires_when_the_password_changes(
        self, client: Client, notification: Notification, moderator: User
    ) -> None:
        url, seen = decide_url(notification), {"seen": notification.comment.mark}
        moderator.set_password("correct horse battery staple")
        moderator.save()
        for response in (client.get(url), client.post(url, seen)):
            assert response.status_code == 410
            assert "password" in response.content.decode()
            assert notification.comment.name not in response.content.decode()
        assert status(notification) == Status.PENDING

    def test_opening_the_page_does_not_renew_the_link(self, client: Client, notification: Notification) -> None:
        url = decide_url(notification)
        others = [link.get("href") for link in find(read(client.get(url)), ".other-actions a")]
        assert {other.split("/")[3] for other in others} == {url.split("/")[3]}

    def test_a_forged_link_is_not_found(self, client: Client, notification: Notification) -> None:
        url = decide_url(notification)
        signed = url.split("/")[3]
        for forged in (
            f"{signed[:-2]}xx",
            signed.replace(f"{notification.pk}.", f"{notification.pk + 1}.", 1),
            TimestampSigner(salt="comments.sender_links").sign(str(notification.pk)),
            str(notification.pk),
        ):
            wrong = url.replace(signed, forged)
            assert client.get(wrong).status_code == 404
            assert client.post(wrong, {"seen": notification.comment.mark}).status_code == 404
        assert client.get(url.replace("/approve/", "/delete/")).status_code == 404
        assert status(notification) == Status.PENDING

    def test_the_link_to_a_deleted_comment_is_gone(self, client: Client, notification: Notification) -> None:
        url = decide_url(notification)
        delete([notification.comment])
        assert client.get(url).status_code == client.post(url).status_code == 410

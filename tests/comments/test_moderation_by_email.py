"""The links of a notice: they show the comment, ask for a button to be pressed, and decide once."""

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
from comments.moderation import by_email
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
def notice(moderator: User) -> Notification:
    preference = NotificationPreference.objects.create(user=moderator)
    comment = CommentFactory.create(status=Status.PENDING, text="As it was <b>sent</b>.")
    return Notification.objects.create(
        comment=comment, event=Event.PENDING, moderator=preference, sent_at=timezone.now(), mark=comment.mark
    )


def address(notice: Notification, move: str = "approve") -> str:
    return decision_links.decision_urls(notice)[move].removeprefix("http://testserver")


def press(client: Client, url: str, headers: Any = None) -> Any:
    """Open the page and press its button, as it stands there."""
    page = read(client.get(url))
    (form,) = find(page, "form") or [None]
    seen = one(form, "[name=seen]").get("value") if form is not None else ""
    return client.post(url, {"seen": seen}, headers=headers)


def status(notice: Notification) -> str:
    return Comment.objects.get(pk=notice.comment_id).status


class TestDeciding:
    @pytest.mark.parametrize("move", by_email.ACTIONS)
    def test_each_link_does_what_it_says_in_the_name_of_who_got_it(
        self, client: Client, notice: Notification, moderator: User, move: str
    ) -> None:
        url = address(notice, move)
        response = press(client, url)
        assert (response.status_code, response["Location"]) == (302, url)
        assert status(notice) == BECOMES[move]
        decision = Decision.objects.get()
        assert (decision.moderator, decision.was, decision.became) == (moderator, Status.PENDING, BECOMES[move])
        assert str(moderator) in text(one(read(client.get(url)), ".note"))

    @pytest.mark.parametrize("move", by_email.ACTIONS)
    def test_what_only_looks_at_links_changes_nothing(self, client: Client, notice: Notification, move: str) -> None:
        for _ in range(2):
            assert client.get(address(notice, move) + "?seen=x").status_code == 200
            assert client.head(address(notice, move)).status_code == 200
        assert status(notice) == Status.PENDING
        assert Notification.objects.get().used_at is None

    def test_it_shows_the_comment_and_who_wrote_it(self, client: Client, notice: Notification) -> None:
        page = text(read(client.get(address(notice))))
        assert "As it was <b>sent</b>." in page
        assert notice.comment.name in page
        assert notice.comment.email in page

    def test_the_key_reaches_nobody_and_no_cookie_is_set(self, client: Client, notice: Notification) -> None:
        for response in (client.get(address(notice)), press(client, address(notice))):
            assert response["Cache-Control"] == "private, no-store"
            assert response["Referrer-Policy"] == "no-referrer"
            assert response["X-Robots-Tag"] == "noindex"
            assert not response.cookies

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_the_page_of_another_site_cannot_press(
        self, client: Client, notice: Notification, headers: dict[str, str]
    ) -> None:
        assert press(client, address(notice), headers).status_code == 403
        assert status(notice) == Status.PENDING

    def test_browsers_that_send_no_referrer_can(self, client: Client, notice: Notification) -> None:
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        assert press(client, address(notice), headers).status_code == 302


class TestOnce:
    def test_a_second_press_changes_nothing(self, client: Client, notice: Notification) -> None:
        press(client, address(notice))
        response = client.post(address(notice, "trash"), {"seen": notice.comment.mark})
        assert response.status_code == 302
        assert status(notice) == Status.APPROVED
        assert Decision.objects.count() == 1

    def test_not_even_when_it_waits_again(self, client: Client, notice: Notification, moderator: User) -> None:
        press(client, address(notice))
        undo(Decision.objects.get().batch, moderator)
        assert status(notice) == Status.PENDING
        page = read(client.get(address(notice)))
        assert find(page, "form") == []
        assert "is pending again" in text(one(page, ".note"))
        client.post(address(notice), {"seen": notice.comment.mark})
        assert status(notice) == Status.PENDING

    def test_who_comes_second_sees_what_the_first_did(self, client: Client, notice: Notification) -> None:
        other = UserFactory.create(display_name="Zoë")
        mark_spam([notice.comment], other)
        response = press(client, address(notice))
        assert response.status_code == 302
        assert status(notice) == Status.SPAM
        assert "Zoë decided: Spam" in text(one(read(client.get(address(notice))), ".note"))


class TestWhatWasSeen:
    def test_a_text_that_was_changed_since_the_mail_says_so(self, client: Client, notice: Notification) -> None:
        Comment.objects.update(text="Buy!", html="<p>Buy!</p>")
        page = read(client.get(address(notice)))
        assert "has changed since" in text(one(page, ".note"))
        assert "Buy!" in text(page)
        # Now it is seen.
        press(client, address(notice))
        assert status(notice) == Status.APPROVED

    @pytest.mark.parametrize(
        "words", [{"text": "Buy!", "html": "<p>Buy!</p>"}, {"name": "Buy!"}, {"website": "https://buy.example/"}]
    )
    def test_one_that_changes_while_the_page_is_open_is_asked_about_again(
        self, client: Client, notice: Notification, words: dict[str, str]
    ) -> None:
        seen = one(read(client.get(address(notice))), "[name=seen]").get("value")
        Comment.objects.update(**words)
        response = client.post(address(notice), {"seen": seen})
        assert response.status_code == 409
        assert "has changed since" in text(one(read(response), ".note"))
        assert status(notice) == Status.PENDING
        assert Notification.objects.get().used_at is None

    @pytest.mark.parametrize("seen", ["", "x", "0" * 64, "\x00"])
    def test_nothing_is_decided_without_having_seen_it(self, client: Client, notice: Notification, seen: str) -> None:
        assert client.post(address(notice), {"seen": seen}).status_code == 409
        assert status(notice) == Status.PENDING


class TestWhoMay:
    @pytest.mark.parametrize("lost", ["groups", "is_active", "is_staff"])
    def test_only_who_still_may_moderate(
        self, client: Client, notice: Notification, moderator: User, lost: str
    ) -> None:
        if lost == "groups":
            moderator.groups.clear()
        else:
            User.objects.filter(pk=moderator.pk).update(**{lost: False})
        for response in (
            client.get(address(notice)),
            client.post(address(notice), {"seen": notice.comment.mark}),
        ):
            assert response.status_code == 403
            assert notice.comment.name not in response.content.decode()
        assert status(notice) == Status.PENDING

    def test_after_a_week_the_link_is_over(self, client: Client, notice: Notification) -> None:
        url = address(notice)
        later = (timezone.now() + dt.timedelta(days=7, minutes=1)).timestamp()
        with patch("django.core.signing.time.time", return_value=later):
            for response in (client.get(url), client.post(url, {"seen": notice.comment.mark})):
                assert response.status_code == 410
                assert "7 days" in response.content.decode()
        assert status(notice) == Status.PENDING

    def test_with_another_password_the_link_is_over(
        self, client: Client, notice: Notification, moderator: User
    ) -> None:
        url, seen = address(notice), {"seen": notice.comment.mark}
        moderator.set_password("correct horse battery staple")
        moderator.save()
        for response in (client.get(url), client.post(url, seen)):
            assert response.status_code == 410
            assert "password" in response.content.decode()
            assert notice.comment.name not in response.content.decode()
        assert status(notice) == Status.PENDING

    def test_looking_makes_no_younger_link(self, client: Client, notice: Notification) -> None:
        url = address(notice)
        others = [link.get("href") for link in find(read(client.get(url)), ".other-actions a")]
        assert {other.split("/")[3] for other in others} == {url.split("/")[3]}

    def test_a_forged_link_opens_nothing(self, client: Client, notice: Notification) -> None:
        url = address(notice)
        signed = url.split("/")[3]
        for forged in (
            f"{signed[:-2]}xx",
            signed.replace(f"{notice.pk}.", f"{notice.pk + 1}.", 1),
            TimestampSigner(salt="comments.sender_links").sign(str(notice.pk)),
            str(notice.pk),
        ):
            wrong = url.replace(signed, forged)
            assert client.get(wrong).status_code == 404
            assert client.post(wrong, {"seen": notice.comment.mark}).status_code == 404
        assert client.get(url.replace("/approve/", "/delete/")).status_code == 404
        assert status(notice) == Status.PENDING

    def test_of_a_deleted_comment_it_says_so(self, client: Client, notice: Notification) -> None:
        url = address(notice)
        delete([notice.comment])
        assert client.get(url).status_code == client.post(url).status_code == 410

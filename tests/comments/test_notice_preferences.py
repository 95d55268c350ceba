"""Each of the staff says how often notices come, and sees nobody else's choice."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from comments.models import Status
from comments.recipients import NoticePreference
from tests.comments.post_office import deliver
from tests.comments.reading import find, one, read, text
from tests.comments.test_notices import send
from tests.factories import PostFactory, UserFactory

pytestmark = pytest.mark.django_db

OWN = "/admin/comments/noticepreference/"


def log_in(client: Client, role: str, **more: Any) -> User:
    user: User = UserFactory.create(role=role, **{"email": "m@example.org", **more})
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("role", "fields"),
    [("Moderator", {"pace"}), ("Editor", {"pace", "own_posts"}), ("Author", {"own_posts"})],
)
def test_each_role_is_asked_what_concerns_it(client: Client, role: str, fields: set[str]) -> None:
    log_in(client, role)
    page = read(client.get(OWN, follow=True))
    names = {field.get("name") for field in find(page, "#content form input")}
    assert names & {"pace", "own_posts"} == fields
    assert "m@example.org" in text(page)


def test_what_is_chosen_holds_from_now_on(client: Client) -> None:
    user = log_in(client, "Moderator")
    post = PostFactory.create()
    send(post)
    assert len(deliver()) == 1
    send(post, text="Second.")
    assert deliver() == []
    url = client.get(OWN)["Location"]
    assert client.post(url, {"pace": "at_once"}).status_code == 302
    assert NoticePreference.objects.get(user=user).pace == "at_once"
    # The pause of the earlier choice is over.
    assert len(deliver()) == 1


def test_nobody_sees_or_changes_another_s(client: Client) -> None:
    other = NoticePreference.objects.create(user=UserFactory.create(role="Moderator"))
    log_in(client, "", is_staff=True, is_superuser=True)
    url = f"{OWN}{other.pk}/change/"
    assert client.get(url).status_code == client.post(url, {"pace": "never"}).status_code == 302
    other.refresh_from_db()
    assert other.pace == NoticePreference.Pace.DAILY


def test_nobody_makes_or_deletes_one_by_hand(client: Client) -> None:
    log_in(client, "Moderator")
    url = client.get(OWN)["Location"]
    assert client.get(f"{OWN}add/").status_code == 403
    assert client.get(url.replace("change", "delete")).status_code == 403


def test_it_says_so_when_nothing_can_be_sent(client: Client, settings: Settings) -> None:
    user = log_in(client, "Moderator")
    url = client.get(OWN)["Location"]
    User.objects.filter(pk=user.pk).update(email="")
    assert "your account has no e-mail address" in text(one(read(client.get(url)), ".field-goes_to"))
    settings.MAILERS = {}
    assert "no mail server is set up" in text(one(read(client.get(url)), ".field-goes_to"))


def test_a_wrong_choice_is_refused(client: Client) -> None:
    log_in(client, "Moderator")
    assert client.post(client.get(OWN)["Location"], {"pace": Status.SPAM}).status_code == 200
    assert NoticePreference.objects.get().pace == NoticePreference.Pace.DAILY

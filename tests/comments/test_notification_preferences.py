"""Members of the staff set how often they are notified, and see only their own preferences."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from blog.models import ReviewPreference
from comments.models import CommentStatus as Status
from comments.models import NotificationPreference
from tests.factories import PostFactory, UserFactory
from tests.factories.comments import send
from tests.factories.responses import find, one, read, text
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

OWN = "/admin/comments/notificationpreference/"


def log_in(client: Client, role: str, **more: Any) -> User:
    user: User = UserFactory.create(role=role, **{"email": "m@example.org", **more})
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        ("Moderator", {"frequency"}),
        ("Editor", {"frequency", "own_posts", "feedback", "submissions"}),
        ("Author", {"own_posts", "feedback"}),
    ],
)
def test_each_role_sees_the_options_that_concern_it(client: Client, role: str, fields: set[str]) -> None:
    log_in(client, role)
    page = read(client.get(OWN, follow=True))
    names = {field.get("name") for field in find(page, "#content form input")}
    assert names & {"frequency", "own_posts", "feedback", "submissions"} == fields
    assert "m@example.org" in text(page)


def test_a_new_frequency_takes_effect_immediately(client: Client, deliver: Deliver) -> None:
    user = log_in(client, "Moderator")
    post = PostFactory.create()
    send(post)
    assert len(deliver()) == 1
    send(post, text="Second.")
    assert deliver() == []
    url = client.get(OWN)["Location"]
    assert client.post(url, {"frequency": "immediately"}).status_code == 302
    assert NotificationPreference.objects.get(user=user).frequency == "immediately"
    # The earlier interval no longer applies.
    assert len(deliver()) == 1


def test_no_one_can_see_or_change_the_preferences_of_others(client: Client) -> None:
    other = NotificationPreference.objects.create(user=UserFactory.create(role="Moderator"))
    log_in(client, "", is_staff=True, is_superuser=True)
    url = f"{OWN}{other.pk}/change/"
    assert client.get(url).status_code == client.post(url, {"frequency": "never"}).status_code == 302
    other.refresh_from_db()
    assert other.frequency == NotificationPreference.Frequency.DAILY


def test_preferences_cannot_be_added_or_deleted(client: Client) -> None:
    log_in(client, "Moderator")
    url = client.get(OWN)["Location"]
    assert client.get(f"{OWN}add/").status_code == 403
    assert client.get(url.replace("change", "delete")).status_code == 403


def test_it_says_why_no_mail_can_be_sent(client: Client, settings: Settings) -> None:
    user = log_in(client, "Moderator")
    url = client.get(OWN)["Location"]
    User.objects.filter(pk=user.pk).update(email="")
    assert "Your account has no e-mail address" in text(one(read(client.get(url)), ".field-sent_to"))
    settings.MAILERS = {}
    assert "No mail server is set up" in text(one(read(client.get(url)), ".field-sent_to"))


def test_an_invalid_choice_is_refused(client: Client) -> None:
    log_in(client, "Moderator")
    assert client.post(client.get(OWN)["Location"], {"frequency": Status.SPAM}).status_code == 200
    assert NotificationPreference.objects.get().frequency == NotificationPreference.Frequency.DAILY


class TestReviewEmails:
    """E-mails about reviews are chosen on the same page, and in the form with which owners edit users."""

    def test_can_be_chosen_by_each_user(self, client: Client) -> None:
        user = log_in(client, "Editor")
        url = client.get(OWN)["Location"]
        assert client.post(url, {"frequency": "hourly", "submissions": "on"}).status_code == 302
        chosen = ReviewPreference.objects.get(user=user)
        assert (chosen.submissions, chosen.feedback) == (True, False)
        assert NotificationPreference.objects.get(user=user).frequency == "hourly"

    def test_stay_the_same_where_they_are_not_shown(self, client: Client) -> None:
        author = log_in(client, "Author")
        url = client.get(OWN)["Location"]
        client.post(url, {"submissions": "on", "feedback": "on"})
        assert not ReviewPreference.objects.get(user=author).submissions
        moderator = log_in(client, "Moderator", email="n@example.org")
        client.post(client.get(OWN)["Location"], {"frequency": "never"})
        assert ReviewPreference.objects.get(user=moderator).feedback

    def test_can_be_chosen_by_owners_for_users_who_write(self, client: Client) -> None:
        log_in(client, "", is_staff=True, is_superuser=True)
        editor = UserFactory.create(role="Editor", email="e@example.org")
        url = f"/admin/accounts/user/{editor.pk}/change/"
        form = client.get(url).context["adminform"].form
        initial = form.initial.items()
        data: dict[str, Any] = {name: value for name, value in initial if isinstance(value, str | int) and value}
        data["role"] = "Editor"
        inline = "review_preference"
        data |= {f"{inline}-TOTAL_FORMS": 1, f"{inline}-INITIAL_FORMS": 0, f"{inline}-0-submissions": "on"}
        data |= {f"{inline}-0-feedback": "on", f"{inline}-0-user": editor.pk}
        assert client.post(url, data).status_code == 302
        chosen = ReviewPreference.objects.get(user=editor)
        assert chosen.submissions
        assert find(read(client.get(url)), f"#id_{inline}-0-submissions")[0].get("checked") is not None
        data |= {f"{inline}-INITIAL_FORMS": 1, f"{inline}-0-id": chosen.pk}
        del data[f"{inline}-0-submissions"]
        assert client.post(url, data).status_code == 302
        assert not ReviewPreference.objects.get(user=editor).submissions
        reader = UserFactory.create(role="Moderator")
        assert "review_preference" not in client.get(f"/admin/accounts/user/{reader.pk}/change/").content.decode()

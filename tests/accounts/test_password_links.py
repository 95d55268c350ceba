"""Links with which users choose a password, after an invitation or in place of a forgotten one."""

import datetime as dt
import logging
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core import mail
from django.core.mail import EmailMessage
from django.tasks import TaskResultStatus
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import password_links, tasks
from accounts.models import PasswordLink, Session, User
from accounts.password_links import ExpiredLinkError, Kind, choose_password, find_person
from accounts.people import deactivate
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import links
from tests.factories.types import MailServerDown, Work

pytestmark = pytest.mark.django_db

FORGOTTEN = "/admin/password/forgotten/"
PASSWORD = "plenty of words here"
OLD = "a-long-enough-password-7"


@pytest.fixture
def newcomer() -> User:
    person: User = UserFactory(username="rosa-pen", display_name="Rosa Pen", email="rosa@example.org", role="Author")
    return person


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=OLD, role="Author", email="amina@example.org")
    return user


def make_link(person: User, kind: Kind = Kind.GIVEN) -> str:
    """Return a link for the person as stored in the database."""
    return password_links.make_link(User.objects.get(pk=person.pk), kind)


def request_link(name: str, sender: str = "192.0.2.1") -> str:
    return Client().post(FORGOTTEN, {"name": name}, REMOTE_ADDR=sender).content.decode()


def links_in(email: EmailMessage) -> list[str]:
    return [link for link in links(email) if "/password/set/" in link]


def token_of(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


def choose(url: str, **changes: str) -> Any:
    names = {"display_name": "Rosa Pen", "username": "rosa-pen"}
    return Client().post(url, {**names, "password1": PASSWORD, "password2": PASSWORD, **changes})


class TestLink:
    def test_is_stored_as_a_hash(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        link = PasswordLink.objects.get()
        assert len(token) == 43
        assert link.token_hash == sha256(token.encode()).hexdigest()

    def test_can_be_used_only_once(self, newcomer: User) -> None:
        url = make_link(newcomer)
        assert choose(url)["Location"] == "/admin/login/?next=%2Fadmin%2Faccount%2F"
        assert authenticate(username="rosa-pen", password=PASSWORD) == newcomer
        assert choose(url, password1="another of these", password2="another of these").status_code == 410
        assert Client().get(url).status_code == 410
        assert authenticate(username="rosa-pen", password=PASSWORD) == newcomer

    def test_can_be_used_only_once_even_if_two_forms_were_open(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        people = [find_person(token), find_person(token)]
        choose_password(token, people[0], PASSWORD)
        with pytest.raises(ExpiredLinkError):
            choose_password(token, people[1], "of someone else")
        assert authenticate(username="rosa-pen", password=PASSWORD)

    def test_is_not_used_up_by_opening_it(self, newcomer: User) -> None:
        url = make_link(newcomer)
        for method in ("get", "head", "get"):
            assert getattr(Client(), method)(url).status_code == 200
        assert choose(url).status_code == 302

    @pytest.mark.parametrize(("kind", "days"), [(Kind.GIVEN, 7), (Kind.REQUESTED, 1)])
    @pytest.mark.parametrize("works", [True, False])
    def test_works_for_a_limited_number_of_days(self, newcomer: User, kind: Kind, days: int, works: bool) -> None:
        url = make_link(newcomer, kind)
        age = dt.timedelta(days=days, hours=-1 if works else 0)
        assert PasswordLink.objects.get().expires_at <= timezone.now() + dt.timedelta(days=days)
        PasswordLink.objects.update(expires_at=PasswordLink.objects.get().expires_at - age)
        assert Client().get(url).status_code == (200 if works else 410)
        assert choose(url).status_code == (302 if works else 410)

    def test_stops_working_when_a_newer_one_is_created(self, newcomer: User) -> None:
        first, second = make_link(newcomer), make_link(newcomer)
        assert [Client().get(url).status_code for url in (first, second)] == [410, 200]

    def test_requesting_a_link_does_not_invalidate_an_invitation(self, newcomer: User, work: Work) -> None:
        invitation = make_link(newcomer)
        request_link("rosa-pen")
        work()
        (email,) = mail.outbox
        (requested,) = links_in(email)
        assert [Client().get(url).status_code for url in (invitation, requested)] == [200, 200]
        assert choose(requested).status_code == 302
        assert [Client().get(url).status_code for url in (invitation, requested)] == [410, 410]

    @pytest.mark.parametrize("event", ["login", "password", "email", "lock"])
    def test_stops_working_after_a_change_to_the_account(self, amina: User, event: str) -> None:
        url = make_link(amina)
        assert Client().get(url).status_code == 200
        match event:
            case "login":
                client_of(amina)
            case "password":
                amina.set_password("another-long-password-8")
                amina.save()
            case "email":
                User.objects.update(email="other@example.org")
            case "lock":
                User.objects.update(is_active=False)
        assert Client().get(url).status_code == choose(url).status_code == 410

    def test_stops_working_when_the_account_is_deactivated(self, newcomer: User) -> None:
        UserFactory(is_superuser=True)
        url = make_link(newcomer)
        deactivate(newcomer)
        assert choose(url).status_code == 410

    def test_works_only_for_the_person_it_was_created_for(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        with pytest.raises(ExpiredLinkError):
            choose_password(token, UserFactory(), PASSWORD)

    @pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "ä" * 43, "A" * 3000])
    def test_an_invalid_one_gets_the_same_response_as_an_expired_one(self, newcomer: User, token: str) -> None:
        old = make_link(newcomer)
        make_link(newcomer)
        expected, response = Client().get(old), Client().get(f"/admin/password/set/{token}/")
        assert (response.status_code, response.content) == (expected.status_code, expected.content)


class TestForgottenPassword:
    @pytest.mark.parametrize("name", ["amina", "AMINA@example.org"])
    def test_a_link_is_sent_by_email_and_sets_a_password_once(self, amina: User, work: Work, name: str) -> None:
        elsewhere = client_of(amina)
        request_link(name)
        work()
        (email,) = mail.outbox
        (link,) = links_in(email)
        assert email.to == ["amina@example.org"]
        assert choose(link)["Location"] == "/admin/login/"
        assert User.objects.get(pk=amina.pk).check_password(PASSWORD)
        assert elsewhere.get("/admin/account/").status_code == 302
        assert not Session.objects.filter(user=amina).exists()
        assert Client().get(link).status_code == choose(link).status_code == 410

    def test_the_response_does_not_reveal_who_has_an_account(self, amina: User, work: Work) -> None:
        UserFactory(username="locked", email="locked@example.org", role="Author", is_active=False)
        UserFactory(username="reader", email="reader@example.org")
        UserFactory(username="mute", role="Author", email="")
        names = ("amina", "nobody", "nobody@example.org", "locked", "reader", "mute")
        pages = {request_link(name).split("<main")[1].replace(name, "") for name in names}
        assert len(pages) == 1
        # The web server does the same work for all of them.
        assert DBTaskResult.objects.count() == len(names)
        work()
        assert [email.to for email in mail.outbox] == [["amina@example.org"]]

    @pytest.mark.parametrize("name", ["amina", "nobody"])
    def test_limits_do_not_reveal_who_has_an_account(self, amina: User, name: str) -> None:
        counts = []
        for each in (name, name, name.upper(), f"{name}@example.org"):
            request_link(each)
            counts.append(DBTaskResult.objects.count())
        assert counts == [1, 2, 2, 3]

    def test_the_number_of_emails_is_limited(self, amina: User, work: Work) -> None:
        for number in range(20):
            request_link("amina", f"198.51.100.{number}")
        for number in range(20):
            request_link(f"name-{number}")
        work()
        assert len(mail.outbox) == 2
        assert DBTaskResult.objects.count() == 2 + 10

    def test_strangers_can_neither_flood_a_mailbox_nor_keep_a_link_from_working(
        self, amina: User, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        night = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
        for number in range(48):
            now = night + dt.timedelta(minutes=10 * number)
            monkeypatch.setattr("accounts.throttle.timezone", SimpleNamespace(now=lambda now=now: now))
            request_link("amina", f"198.51.100.{number}")
        work()
        assert len(mail.outbox) == 6
        assert Client().get(links_in(mail.outbox[-1])[0]).status_code == 200

    def test_an_email_is_retried_while_the_mail_server_is_down(
        self, amina: User, work: Work, mail_server_down: MailServerDown
    ) -> None:
        request_link("amina")
        with mail_server_down():
            work()
        assert mail.outbox == []
        (retry,) = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
        assert retry.run_after > dt.datetime.now(dt.UTC)
        # The task that waits in the database contains no working link.
        assert retry.args_kwargs["args"] == [amina.pk]
        tasks.send_password_link.func(*retry.args_kwargs["args"])
        assert len(mail.outbox) == 1

    def test_without_a_mail_server_the_page_says_so(self, amina: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "mailers", {})
        assert "can’t send" in Client().get(FORGOTTEN).content.decode().replace("&#x27;", "’").replace("'", "’")


class TestPage:
    def test_keeps_its_url_secret(self, newcomer: User, caplog: pytest.LogCaptureFixture) -> None:
        url = make_link(newcomer)
        with caplog.at_level(logging.DEBUG):
            for response in (Client().get(url), choose(url, password2="different"), choose(url), Client().get(url)):
                if response.status_code != 302:
                    assert response["Referrer-Policy"] == "no-referrer"
                assert "no-store" in response["Cache-Control"]
                assert token_of(url) not in response.content.decode()
                assert token_of(url) not in response.get("Location", "")

    def test_does_not_show_the_email_address_or_the_legal_name(self, newcomer: User) -> None:
        User.objects.filter(pk=newcomer.pk).update(first_name="Realname")
        page = Client().get(make_link(newcomer)).text
        assert "rosa@example.org" not in page
        assert "Realname" not in page

    def test_new_people_choose_their_names(self, newcomer: User) -> None:
        assert choose(make_link(newcomer), display_name="Nightingale", username="any-name").status_code == 302
        newcomer.refresh_from_db()
        assert (newcomer.display_name, newcomer.username) == ("Nightingale", "any-name")

    def test_the_slug_follows_a_pen_name(self, newcomer: User) -> None:
        choose(make_link(newcomer), display_name="Nightingale")
        newcomer.refresh_from_db()
        assert newcomer.slug == "nightingale"

    def test_the_slug_stays_if_there_are_public_posts(self, newcomer: User) -> None:
        PostFactory(author=newcomer)
        choose(make_link(newcomer), display_name="Nightingale")
        newcomer.refresh_from_db()
        assert (newcomer.display_name, newcomer.slug) == ("Nightingale", "rosa-pen")

    def test_users_with_a_password_only_choose_a_new_one(self, newcomer: User) -> None:
        newcomer.set_password("the former one, forgotten")
        newcomer.save()
        url = make_link(newcomer)
        assert "display_name" not in Client().get(url).context["form"].fields
        assert choose(url, display_name="Other", username="other").status_code == 302
        newcomer.refresh_from_db()
        assert (newcomer.display_name, newcomer.username) == ("Rosa Pen", "rosa-pen")
        assert newcomer.check_password(PASSWORD)

    def test_a_new_password_ends_sessions(self, newcomer: User) -> None:
        newcomer.set_password("the former one, forgotten")
        newcomer.save()
        client = client_of(newcomer)
        assert client.get("/admin/blog/post/").status_code == 200
        choose(make_link(newcomer))
        assert client.get("/admin/blog/post/").status_code == 302

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"password1": "short", "password2": "short"}, "password2"),
            ({"password2": "something different"}, "password2"),
            ({"password1": "rosa@example.org", "password2": "rosa@example.org"}, "password2"),
            ({"display_name": ""}, "display_name"),
            ({"username": "taken"}, "username"),
            ({"username": "not allowed!"}, "username"),
            # Its person would no longer be able to log in with it.
            ({"username": "Someone@example.org"}, "username"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_the_link(self, newcomer: User, changes: dict[str, str], field: str) -> None:
        UserFactory(username="taken", email="someone@example.org")
        url = make_link(newcomer)
        response = choose(url, **changes)
        assert response.status_code == 200
        assert field in response.context["form"].errors
        assert not User.objects.get(pk=newcomer.pk).has_usable_password()
        assert choose(url).status_code == 302

    def test_a_password_similar_to_the_new_username_is_refused(self, newcomer: User) -> None:
        changes = {"username": "nightingale-1", "password1": "nightingale-12", "password2": "nightingale-12"}
        assert "password2" in choose(make_link(newcomer), **changes).context["form"].errors

    def test_works_without_cookies(self, newcomer: User) -> None:
        url = make_link(newcomer)
        data = {"display_name": "Rosa", "username": "rosa", "password1": PASSWORD, "password2": PASSWORD}
        assert Client(enforce_csrf_checks=True).post(url, data).status_code == 302

    def test_no_one_else_stays_logged_in_where_it_was_used(self, newcomer: User, amina: User) -> None:
        client = client_of(amina)
        data = {"display_name": "Rosa", "username": "rosa", "password1": PASSWORD, "password2": PASSWORD}
        page = client.post(make_link(newcomer), data, follow=True)
        assert page.request["PATH_INFO"] == "/admin/login/"
        assert "Your password has been saved. Log in with it" in page.text

    def test_a_second_step_is_still_asked_for_and_passkeys_are_offered(self, newcomer: User) -> None:
        client, url = Client(), make_link(newcomer)
        data = {"display_name": "Rosa", "username": "rosa", "password1": PASSWORD, "password2": PASSWORD}
        login = client.post(url, data)["Location"]
        response = client.post(login, {"username": "rosa", "password": PASSWORD}, follow=True)
        assert response.request["PATH_INFO"] == "/admin/account/"
        assert "Add a passkey" in response.text

"""Forgotten passwords, and the emergency lock: both begin with a link that is a secret."""

import datetime as dt
import hashlib
import time
from typing import Any

import pytest
from django.core import mail
from django.tasks import TaskResultStatus
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts import emergency, password_links, tasks
from accounts.models import EmergencyLink, Session, User
from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import links
from tests.factories.types import MailServerDown, Work

pytestmark = pytest.mark.django_db

FORGOTTEN = "/admin/password/forgotten/"
OLD, NEW = "a-long-enough-password-7", "another-long-password-8"


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=OLD, role="Author", email="amina@example.org")
    return user


def ask(name: str, sender: str = "192.0.2.1") -> str:
    return Client().post(FORGOTTEN, {"name": name}, REMOTE_ADDR=sender).content.decode()


def path(url: str) -> str:
    return url.removeprefix("http://testserver")


def set_password(url: str, password: str = NEW) -> Any:
    # Without a cookie or a token, as in a browser that keeps none.
    return Client(enforce_csrf_checks=True).post(path(url), {"new_password1": password, "new_password2": password})


class TestForgottenPassword:
    @pytest.mark.parametrize("name", ["amina", "AMINA@example.org"])
    def test_a_link_comes_by_email_and_sets_a_password_once(self, amina: User, work: Work, name: str) -> None:
        elsewhere = client_of(amina)
        ask(name)
        work()
        (email,) = mail.outbox
        (link,) = (each for each in links(email) if "/password/set/" in each)
        assert email.to == ["amina@example.org"]
        assert set_password(link)["Location"] == "/admin/login/"
        assert User.objects.get(pk=amina.pk).check_password(NEW)
        assert elsewhere.get("/admin/account/").status_code == 302
        assert not Session.objects.filter(user=amina).exists()
        assert Client().get(path(link)).status_code == set_password(link, OLD).status_code == 410
        assert User.objects.get(pk=amina.pk).check_password(NEW)

    def test_nobody_learns_who_has_an_account(self, amina: User, work: Work) -> None:
        UserFactory(username="locked", email="locked@example.org", role="Author", is_active=False)
        UserFactory(username="reader", email="reader@example.org")
        UserFactory(username="mute", role="Author", email="")
        names = ("amina", "nobody", "nobody@example.org", "locked", "reader", "mute")
        pages = {ask(name).split("<main")[1].replace(name, "") for name in names}
        assert len(pages) == 1
        # The web server does the same work for all of them.
        assert DBTaskResult.objects.count() == len(names)
        work()
        assert [email.to for email in mail.outbox] == [["amina@example.org"]]

    def test_nobody_can_be_flooded(self, amina: User, work: Work) -> None:
        for number in range(20):
            ask("amina", f"198.51.100.{number}")
        for number in range(20):
            ask(f"name-{number}")
        work()
        assert len(mail.outbox) == 2
        assert DBTaskResult.objects.count() == 2 + 10

    def test_a_mail_server_that_is_down_gets_it_later(
        self, amina: User, work: Work, mail_server_down: MailServerDown
    ) -> None:
        ask("amina")
        with mail_server_down():
            work()
        assert mail.outbox == []
        (retry,) = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
        assert retry.run_after > dt.datetime.now(dt.UTC)
        tasks.send_password_link.func(*retry.args_kwargs["args"])
        assert len(mail.outbox) == 1

    def test_without_a_mail_server_the_page_says_what_to_do(self, amina: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "mailers", {})
        assert "can’t send" in Client().get(FORGOTTEN).content.decode().replace("&#x27;", "’").replace("'", "’")


class TestLink:
    @pytest.mark.parametrize("event", ["expiry", "login", "password", "email", "lock"])
    def test_ends_with(self, amina: User, event: str, monkeypatch: pytest.MonkeyPatch) -> None:
        link = password_links.password_link(amina)
        assert Client().get(path(link)).status_code == 200
        match event:
            case "expiry":
                later = time.time() + password_links.RESET_VALID_FOR.total_seconds() + 1
                monkeypatch.setattr(time, "time", lambda: later)
            case "login":
                client_of(amina)
            case "password":
                amina.set_password(NEW)
                amina.save()
            case "email":
                User.objects.update(email="other@example.org")
            case "lock":
                User.objects.update(is_active=False)
        assert Client().get(path(link)).status_code == 410

    def test_can_be_valid_for_longer(self, amina: User, monkeypatch: pytest.MonkeyPatch) -> None:
        link = password_links.password_link(amina, dt.timedelta(days=7))
        later = time.time() + dt.timedelta(days=6).total_seconds()
        monkeypatch.setattr(time, "time", lambda: later)
        assert Client().get(path(link)).status_code == 200

    def test_gives_itself_away_to_nobody(self, amina: User) -> None:
        response = Client().get(path(password_links.password_link(amina)))
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.parametrize("token", ["x", "a:b:c", "WzEsMl0:1:x"])
    def test_can_not_be_forged(self, amina: User, token: str) -> None:
        assert Client().get(f"/admin/password/set/{token}/").status_code == 410

    def test_refuses_weak_passwords(self, amina: User) -> None:
        link = password_links.password_link(amina)
        for password in ("short", "amina@example.org", "123456789012345", "qwertyuiop"):
            assert set_password(link, password).status_code == 200
        assert User.objects.get(pk=amina.pk).check_password(OLD)

    def test_an_owner_makes_one_to_pass_on(self, amina: User) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        page = owner.post(f"/admin/people/{amina.pk}/help/", {"link": "1"})
        assert set_password(page.context["link"]).status_code == 302


class TestEmergencyLock:
    def link(self, user: User) -> str:
        page = client_of(user).post("/admin/account/emergency-link/")
        return path(page.context["url"])

    def test_only_a_hash_of_it_is_stored(self, amina: User) -> None:
        secret = self.link(amina).split("/")[-2]
        assert len(secret) >= 32
        assert EmergencyLink.objects.get().secret_hash == hashlib.sha256(secret.encode()).hexdigest()

    def test_opening_it_changes_nothing(self, amina: User) -> None:
        client, link = client_of(amina), self.link(amina)
        response = Client().get(link)
        assert "lock my account" in response.content.decode()
        assert "amina" not in response.content.decode().lower()
        assert client.get("/admin/account/").status_code == 200

    def test_pressing_the_button_logs_out_everywhere_and_locks(self, amina: User) -> None:
        clients, link = [client_of(amina), client_of(amina)], self.link(amina)
        # No cookie, no token: any browser will do.
        response = Client(enforce_csrf_checks=True).post(link)
        assert "Your account is locked" in response.content.decode()
        assert response["Referrer-Policy"] == "no-referrer"
        assert [client.get("/admin/account/").status_code for client in clients] == [302, 302]
        login = Client().post("/admin/login/", {"username": "amina", "password": OLD})
        assert login.status_code == 200
        assert Client().get(path(password_links.password_link(amina))).status_code == 410

    def test_only_an_owner_reopens_the_account(self, amina: User) -> None:
        Client().post(self.link(amina))
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        data = {
            "username": "amina",
            "slug": "amina",
            "is_active": "on",
            "groups": [group.pk for group in amina.groups.all()],
        }
        owner.post(f"/admin/accounts/user/{amina.pk}/change/", data)
        assert Client().post("/admin/login/", {"username": "amina", "password": OLD}).status_code == 302

    def test_a_new_link_replaces_the_old_one(self, amina: User) -> None:
        old, new = self.link(amina), self.link(amina)
        assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)

    def test_guesses_find_nothing(self, amina: User) -> None:
        emergency.make_link(amina)
        for secret in ("x", "None", EmergencyLink.objects.get().secret_hash):
            assert Client().post(f"/admin/lock/{secret}/").status_code == 404
        assert User.objects.get(pk=amina.pk).is_active

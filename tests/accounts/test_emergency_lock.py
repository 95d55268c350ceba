"""The emergency lock: a secret link with which users lock their own accounts."""

import hashlib
from typing import Any

import pytest
from django.test import Client

from accounts import emergency, people
from accounts.forms import OwnPasswordForm, UserForm
from accounts.models import EmergencyLink, PasswordLink, User
from accounts.password_links import Kind, make_link
from tests.factories import UserFactory
from tests.factories.admin import client_of

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password-7"


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=PASSWORD, role="Author", email="amina@example.org")
    return user


def path(url: str) -> str:
    return url.removeprefix("http://testserver")


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
        # It doesn't even show who is logged in where it is opened.
        amina.display_name = "Nightingale"
        amina.save()
        assert "Nightingale" not in client.get(link).text
        assert "Nightingale" in client.get("/admin/account/").text
        assert client.get("/admin/account/").status_code == 200

    def test_pressing_the_button_logs_out_everywhere_and_locks_the_account(self, amina: User) -> None:
        clients, link = [client_of(amina), client_of(amina)], self.link(amina)
        # It needs no cookie and no CSRF token, so any browser will do.
        response = Client(enforce_csrf_checks=True).post(link)
        assert "Your account is locked" in response.content.decode()
        assert response["Referrer-Policy"] == "no-referrer"
        assert [client.get("/admin/account/").status_code for client in clients] == [302, 302]
        login = Client().post("/admin/login/", {"username": "amina", "password": PASSWORD})
        assert login.status_code == 200

    def test_invalidates_password_links(self, amina: User) -> None:
        for kind in Kind:
            make_link(amina, kind)
        Client().post(self.link(amina))
        assert not PasswordLink.objects.exists()

    def test_only_an_owner_reopens_the_account(self, amina: User) -> None:
        Client().post(self.link(amina))
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        assert "Locked with the emergency link" in owner.get("/admin/accounts/user/").text
        reopen = f"/admin/accounts/user/{amina.pk}/reactivate/"
        assert client_of(UserFactory(role="Editor")).post(reopen).status_code == 403
        credentials = {"username": "amina", "password": PASSWORD}
        assert Client().post("/admin/login/", credentials).status_code == 200
        owner.post(reopen)
        assert Client().post("/admin/login/", credentials).status_code == 302
        User.objects.filter(pk=amina.pk).update(is_active=False)
        assert "Locked with the emergency link" not in owner.get("/admin/accounts/user/").text

    def test_locks_even_the_only_owner(self) -> None:
        owner = UserFactory(is_staff=True, is_superuser=True)
        Client().post(self.link(owner))
        assert not User.objects.get(pk=owner.pk).is_active

    @pytest.mark.parametrize("form", [OwnPasswordForm, UserForm])
    def test_a_form_that_is_saved_at_the_same_time_does_not_reopen_the_account(
        self, amina: User, form: type[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own, owner = client_of(amina), client_of(UserFactory(is_staff=True, is_superuser=True))
        clean = form.clean

        def lock_meanwhile(self: Any) -> Any:
            people.lock(User.objects.get(pk=amina.pk))
            return clean(self)

        monkeypatch.setattr(form, "clean", lock_meanwhile)
        new = "another-long-password-8"
        own.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
        fields = ("display_name", "slug", "username", "email")
        data = {name: getattr(amina, name) for name in fields}
        owner.post(f"/admin/accounts/user/{amina.pk}/change/", {**data, "role": "Author", "bio": "A poet."})
        amina.refresh_from_db()
        assert amina.check_password(new)
        assert (amina.bio, amina.is_active) == ("A poet.", False)

    def test_a_new_link_replaces_the_old_one(self, amina: User) -> None:
        old, new = self.link(amina), self.link(amina)
        assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)

    def test_guesses_find_nothing(self, amina: User) -> None:
        emergency.make_link(amina)
        for secret in ("x", "None", EmergencyLink.objects.get().secret_hash):
            response = Client().post(f"/admin/lock/{secret}/")
            assert response.status_code == 404
            assert "Check that you have entered the whole link" in response.text
            # A guess may be one letter away from a link.
            assert "no-store" in response.headers["Cache-Control"]
            assert response.headers["Referrer-Policy"] == "no-referrer"
        assert User.objects.get(pk=amina.pk).is_active

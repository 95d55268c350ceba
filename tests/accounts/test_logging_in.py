"""Logging in with a password: who can, what strangers learn, and limits on guesses that lock no one out."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import throttle
from accounts.browsers import COOKIE
from accounts.models import User
from core.cache import FailSafeCache
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "a-long-enough-password-7"
REFUSED, TOO_MANY = "username or password is wrong", "There were too many attempts."


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", email="Amina@example.org", password=PASSWORD, role="Editor")
    return user


def log_in(client: Client, username: str = "amina", password: str = PASSWORD, sender: str = "192.0.2.1") -> Any:
    data = {"username": username, "password": password, "next": "/admin/"}
    return client.post(LOGIN, data, REMOTE_ADDR=sender)


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/account/").status_code == 200


@pytest.mark.parametrize("name", ["amina", " amina ", "amina@EXAMPLE.org"])
def test_a_username_or_an_email_address_is_enough(amina: User, name: str) -> None:
    client = Client()
    assert log_in(client, name)["Location"] == "/admin/"
    assert is_logged_in(client)


@pytest.mark.parametrize("fields", [{"username": "amina@example.org"}, {"email": "amina@example.org"}])
def test_an_account_that_may_not_log_in_takes_no_email_address_from_one_that_may(
    amina: User, fields: dict[str, str]
) -> None:
    """Imports create such accounts, with the usernames and e-mail addresses that an export contains."""
    UserFactory(**fields)
    assert User.objects.named("amina@example.org") == amina


def test_an_email_address_shared_by_two_accounts_is_not_enough(amina: User) -> None:
    UserFactory(username="other", email="amina@example.org", password=PASSWORD, role="Editor")
    client = Client()
    assert REFUSED in log_in(client, "amina@example.org").content.decode()
    assert not is_logged_in(client)


def test_a_letter_that_only_a_database_takes_for_another_is_another(amina: User) -> None:
    assert User.objects.named("am\N{LATIN SMALL LETTER DOTLESS I}na@example.org") is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_users_who_may_not_use_the_admin_get_the_same_message(amina: User, change: dict[str, bool]) -> None:
    User.objects.filter(pk=amina.pk).update(**change)
    client = Client()
    assert REFUSED in log_in(client).content.decode()
    assert not is_logged_in(client)


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:x", "/\\evil.example"])
def test_logging_in_never_redirects_to_another_site(amina: User, url: str) -> None:
    data = {"username": "amina", "password": PASSWORD, "next": url}
    assert Client().post(LOGIN, data)["Location"] == "/admin/"


def test_known_and_unknown_names_get_the_same_response_for_the_same_work(
    amina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    keyless = UserFactory(username="keyless", role="Editor")
    keyless.set_unusable_password()
    keyless.save()
    seen = set()
    for name in ("amina", "amina@example.org", "keyless", "nobody", "nobody@example.org"):
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            response = log_in(Client(), name, "wrong")
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode()).replace(name, "")
        seen.add((response.status_code, page, len(hashed), len(queries)))
    assert len(seen) == 1


class TestThrottle:
    def test_a_sender_has_a_limited_number_of_guesses_for_an_account(self, amina: User) -> None:
        client = Client()
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            assert REFUSED in log_in(client, password="wrong").content.decode()
        assert TOO_MANY in log_in(client).content.decode()
        assert not is_logged_in(client)

    def test_other_senders_and_other_accounts_are_not_affected(self, amina: User) -> None:
        UserFactory(username="ruth", password=PASSWORD, role="Editor")
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT + 1):
            log_in(Client(), password="wrong")
        assert log_in(Client(), sender="192.0.2.2").status_code == 302
        assert log_in(Client(), "ruth").status_code == 302

    def test_a_hundred_guesses_by_fifty_senders_neither_succeed_nor_lock_the_user_out(self, amina: User) -> None:
        guesses = [f"guess-{number}" for number in range(98)] + [PASSWORD] * 2
        for number, guess in enumerate(guesses):
            if number == 98:
                # Even the right password does not get in from a sender that has used up its guesses.
                for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
                    log_in(Client(), password="wrong", sender="198.51.100.48")
            client = Client()
            sender = "198.51.100.48" if number >= 98 else f"198.51.100.{number % 50}"
            log_in(client, password=guess, sender=sender)
            assert not is_logged_in(client)
        owner = Client()
        assert log_in(owner, sender="203.0.113.5").status_code == 302
        assert is_logged_in(owner)

    def test_many_senders_have_fewer_guesses_each(self, amina: User) -> None:
        for number in range(throttle.PER_ACCOUNT + 1):
            log_in(Client(), password="wrong", sender=f"198.51.100.{number}")
        for _ in range(throttle.PER_SENDER_DURING_ATTACK):
            assert REFUSED in log_in(Client(), password="wrong").content.decode()
        assert TOO_MANY in log_in(Client()).content.decode()

    def test_a_known_browser_can_log_in_from_the_same_sender_as_an_attacker(self, amina: User) -> None:
        browser = Client()
        log_in(browser)
        browser.post("/admin/logout/")
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT + 1):
            log_in(Client(), password="wrong")
        assert log_in(browser).status_code == 302

    def test_a_known_browser_has_a_limit_too(self, amina: User) -> None:
        browser = Client()
        log_in(browser)
        browser.post("/admin/logout/")
        for _ in range(throttle.PER_KNOWN_BROWSER):
            log_in(browser, password="wrong")
        assert TOO_MANY in log_in(browser).content.decode()

    def test_a_browser_is_known_for_its_own_accounts_only(self, amina: User) -> None:
        UserFactory(username="mallory", password=PASSWORD, role="Author")
        browser = Client()
        log_in(browser, "mallory")
        browser.post("/admin/logout/")
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(browser, password="wrong")
        assert TOO_MANY in log_in(browser, password="wrong").content.decode()
        browser.cookies[COOKIE] = "forged"
        assert TOO_MANY in log_in(browser, password="wrong").content.decode()

    def test_logging_in_to_another_account_does_not_reset_the_guesses(self, amina: User) -> None:
        UserFactory(username="mallory", password=PASSWORD, role="Author")
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(Client(), password="wrong")
            log_in(Client(), "mallory")
        assert TOO_MANY in log_in(Client()).content.decode()

    def test_guesses_at_unknown_names_are_limited_too(self, db: None) -> None:
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(Client(), "nobody")
        assert TOO_MANY in log_in(Client(), "Nobody").content.decode()

    @pytest.mark.parametrize("name", ["amina", "nobody"])
    def test_refusals_are_the_same_for_known_and_unknown_names(self, amina: User, name: str) -> None:
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(Client(), name, "wrong")
        assert TOO_MANY in log_in(Client(), name.upper(), "wrong").content.decode()
        assert REFUSED in log_in(Client(), f"{name}@example.org", "wrong").content.decode()

    def test_a_sender_cannot_try_one_password_on_every_account(self, amina: User) -> None:
        for number in range(throttle.PER_SENDER):
            log_in(Client(), f"name-{number}")
        assert TOO_MANY in log_in(Client()).content.decode()

    def test_a_failing_cache_neither_locks_users_out_nor_lifts_the_limits(
        self, amina: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.cache.cache", FailSafeCache("no such cache", {}))
        assert log_in(Client()).status_code == 302
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(Client(), password="wrong")
        assert TOO_MANY in log_in(Client()).content.decode()

    def test_processes_share_their_counts(self, amina: User) -> None:
        for _ in range(throttle.PER_SENDER_AND_ACCOUNT):
            log_in(Client(), password="wrong")
            throttle._counters.clear()
        assert TOO_MANY in log_in(Client()).content.decode()


def test_the_cookie_is_limited_to_the_admin_and_contains_no_name(amina: User) -> None:
    cookie = log_in(Client()).cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/admin/", True, "Lax")
    assert "amina" not in cookie.value


def test_readers_get_no_cookie_and_pages_do_not_vary(amina: User) -> None:
    for path in ("/", "/feed/", "/nothing-here/"):
        response = Client().get(path)
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")

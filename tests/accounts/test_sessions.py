"""Sessions: the list of them, what ends them, how long they last, and confirming the password."""

import datetime as dt
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import confirmation
from accounts.models import RolePolicy, Session, User
from accounts.sessions import SessionStore
from core.personal_data import personal_rows
from tests.factories import UserFactory
from tests.factories.admin import client_of

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password-7"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36"
)
EDGE = f"{CHROME} Edg/137.0.0.0"


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=PASSWORD, role="Author", email="amina@example.org")
    return user


@pytest.fixture
def owner() -> Client:
    return client_of(UserFactory(username="owner", is_staff=True, is_superuser=True, password=PASSWORD))


def log_in(agent: str = FIREFOX) -> Client:
    client = Client(headers={"user-agent": agent})
    response = client.post("/admin/login/", {"username": "amina", "password": PASSWORD}, REMOTE_ADDR="192.0.2.44")
    assert response.status_code == 302
    return client


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/account/").status_code == 200


class TestList:
    @pytest.mark.parametrize(
        ("agent", "name"),
        [
            (FIREFOX, "Firefox on Windows"),
            (IPHONE, "Safari on iPhone"),
            (CHROME, "Chrome on Android"),
            (EDGE, "Edge on Android"),
            ("curl/8.5", ""),
            ("", ""),
            ("<script>" * 1000, ""),
        ],
    )
    def test_names_the_browser_and_the_device(self, amina: User, agent: str, name: str) -> None:
        log_in(agent)
        assert Session.objects.get(user=amina).device == name

    def test_shows_only_the_sessions_of_the_user(self, amina: User, owner: Client) -> None:
        client = log_in()
        log_in(IPHONE)
        page = client.get("/admin/account/")
        assert [(session.device, is_current) for session, is_current in page.context["sessions"]] == [
            ("Safari on iPhone", False),
            ("Firefox on Windows", True),
        ]

    def test_stores_no_ip_address_and_no_user_agent(self, amina: User) -> None:
        log_in()
        row = Session.objects.get(user=amina)
        stored = f"{Session.objects.values().get()} {row.get_decoded()}"
        assert "192.0.2.44" not in stored
        assert "Gecko" not in stored

    def test_updates_the_last_use_at_most_every_five_minutes(self, amina: User) -> None:
        client = log_in()
        before = timezone.now() - dt.timedelta(minutes=4)
        Session.objects.update(last_used_at=before)
        client.get("/admin/account/")
        assert Session.objects.get(user=amina).last_used_at == before
        Session.objects.update(last_used_at=before - dt.timedelta(minutes=2))
        client.get("/admin/account/")
        assert Session.objects.get(user=amina).last_used_at > before

    def test_the_start_of_a_session_never_changes(self, amina: User) -> None:
        client = log_in()
        started_at = Session.objects.get(user=amina).started_at
        client.get("/admin/account/passkeys/add/")
        assert Session.objects.get(user=amina).started_at == started_at

    def test_personal_data_contains_sessions_without_their_keys(self, amina: User) -> None:
        log_in()
        (row,) = personal_rows["accounts.sessions"].disclose("amina@example.org")
        assert set(row) == {"device", "started_at", "last_used_at"}


class TestEnding:
    def test_a_single_session(self, amina: User) -> None:
        client, phone = log_in(), log_in(IPHONE)
        session = Session.objects.get(device="Safari on iPhone")
        assert client.post(f"/admin/account/sessions/{session.public_id}/end/").status_code == 302
        assert (is_logged_in(client), is_logged_in(phone)) == (True, False)

    def test_all_other_sessions(self, amina: User) -> None:
        client, phone, tablet = log_in(), log_in(IPHONE), log_in(EDGE)
        client.post("/admin/account/sessions/end/")
        assert [is_logged_in(each) for each in (client, phone, tablet)] == [True, False, False]

    def test_sessions_of_others_is_refused(self, amina: User, owner: Client) -> None:
        client = log_in()
        session = Session.objects.exclude(user=amina).get()
        assert client.post(f"/admin/account/sessions/{session.public_id}/end/").status_code == 404
        assert is_logged_in(owner)

    def test_other_sessions_when_the_password_changes(self, amina: User) -> None:
        client, phone = log_in(), log_in(IPHONE)
        new = "another-long-password-8"
        data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert client.post("/admin/password_change/", data).status_code == 302
        assert (is_logged_in(client), is_logged_in(phone)) == (True, False)
        assert Session.objects.filter(user=amina).count() == 1

    @pytest.mark.parametrize("change", ["add", "remove", "clear", "set", "group.add", "group.remove", "group.clear"])
    def test_all_sessions_when_a_role_changes(self, amina: User, change: str) -> None:
        client = log_in()
        author, editor = Group.objects.get(name="Author"), Group.objects.get(name="Editor")
        changes: dict[str, Any] = {
            "add": lambda: amina.groups.add(editor),
            "remove": lambda: amina.groups.remove(author),
            "clear": lambda: amina.groups.clear(),
            "set": lambda: amina.groups.set([editor]),
            "group.add": lambda: editor.user_set.add(amina),
            "group.remove": lambda: author.user_set.remove(amina),
            "group.clear": lambda: author.user_set.clear(),
        }
        changes[change]()
        assert not is_logged_in(client)
        assert not Session.objects.filter(user=amina).exists()

    @pytest.mark.parametrize("page", ["change", "offboard"])
    def test_spares_the_owner_who_changes_someone_else(self, amina: User, owner: Client, page: str) -> None:
        client = log_in()
        names = {"display_name": "Amina", "username": "amina", "slug": "amina"}
        data = {"change": {**names, "role": "Owner"}, "offboard": {"confirm": "1"}}[page]
        response = owner.post(f"/admin/accounts/user/{amina.pk}/{page}/", data)
        assert response.status_code == 302
        assert (is_logged_in(owner), Session.objects.filter(user=amina).count()) == (True, 0)
        assert not is_logged_in(client)

    def test_is_not_caused_by_saving_without_a_change(self, amina: User) -> None:
        client = log_in()
        amina.groups.set(list(amina.groups.all()))
        amina.save()
        assert is_logged_in(client)


class TestLength:
    def test_depends_on_the_role_and_is_not_prolonged_by_use(self, amina: User) -> None:
        RolePolicy.objects.create(role="Author", session_hours=8)
        client = log_in()
        expires = Session.objects.get(user=amina).expire_date
        assert dt.timedelta(hours=7, minutes=59) < expires - timezone.now() <= dt.timedelta(hours=8)
        client.get("/admin/account/passkeys/add/")
        assert Session.objects.get(user=amina).expire_date == expires

    def test_is_at_most_a_day_for_owners_by_default(self, owner: Client) -> None:
        assert Session.objects.get().expire_date - timezone.now() <= dt.timedelta(hours=24)

    def test_is_short_before_the_log_in_is_complete(self, amina: User) -> None:
        Authenticator.objects.create(user=amina, type=Authenticator.Type.TOTP, data={})
        client = log_in()
        assert client.get("/admin/account/").status_code == 302
        assert Session.objects.get().expire_date - timezone.now() <= dt.timedelta(minutes=15)
        assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] <= 15 * 60

    def test_expired_ones_are_deleted_when_someone_logs_in(self, amina: User) -> None:
        assert Client().session.session_key
        Session.objects.update(expire_date=timezone.now() - dt.timedelta(seconds=1))
        log_in()
        assert Session.objects.count() == 1


DANGEROUS = [
    "/admin/accounts/user/add/",
    "/admin/accounts/user/{}/change/",
    "/admin/accounts/user/{}/link/",
    "/admin/accounts/user/{}/help/",
    "/admin/accounts/user/{}/offboard/",
    "/admin/auth/group/add/",
    "/admin/login-rules/",
    "/admin/account/passkeys/add/",
    "/admin/account/app/add/",
    "/admin/account/recovery-codes/",
    "/admin/account/emergency-link/",
    "/admin/wordpress/exportjob/",
    "/admin/password_change/",
]


class TestReplacedSecretKey:
    def test_goes_on_with_the_former_key_among_the_fallbacks(
        self, amina: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = log_in()
        started_at = Session.objects.get().started_at
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
        # If a session can't be stored, Django tries other keys for ever.
        keys = iter(["a" * 32])
        monkeypatch.setattr(SessionStore, "_get_new_session_key", lambda _self: next(keys))
        assert is_logged_in(client)
        assert Session.objects.get().started_at == started_at
        settings.SECRET_KEY_FALLBACKS = []
        assert is_logged_in(client)

    def test_ends_without_it(self, amina: User, settings: Settings) -> None:
        client = log_in()
        settings.SECRET_KEY = "new"
        assert not is_logged_in(client)


class TestConfirmation:
    @pytest.mark.parametrize("path", DANGEROUS)
    def test_is_required_for_dangerous_pages_some_time_after_logging_in(
        self, amina: User, owner: Client, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = path.format(amina.pk)
        assert owner.get(path).status_code == 200
        later = time.time() + confirmation.VALID_FOR + confirmation.TIME_TO_FILL_IN
        monkeypatch.setattr(time, "time", lambda: later)
        for response in (owner.get(path), owner.post(path)):
            assert response["Location"].startswith("/admin/account/confirm/?next=")
        page = owner.get(owner.get(path)["Location"])
        data = {"password": PASSWORD, "next": page.context["next"]}
        assert owner.post("/admin/account/confirm/", data)["Location"] == path
        assert owner.get(path).status_code == 200

    def test_is_not_required_for_a_form_that_was_opened_in_time(
        self, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + confirmation.VALID_FOR + 60
        monkeypatch.setattr(time, "time", lambda: later)
        assert "/confirm/" in owner.get("/admin/login-rules/")["Location"]
        assert owner.post("/admin/login-rules/", {}).status_code == 200

    def test_is_required_for_reactivating_an_account(
        self, amina: User, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        User.objects.filter(pk=amina.pk).update(is_active=False)
        later = time.time() + 10_000
        monkeypatch.setattr(time, "time", lambda: later)
        url = f"/admin/accounts/user/{amina.pk}/reactivate/"
        page = owner.get(owner.post(url)["Location"])
        data = {"password": PASSWORD, "next": page.context["next"]}
        back = owner.get(owner.post("/admin/account/confirm/", data)["Location"])
        assert back["Location"] == f"/admin/accounts/user/{amina.pk}/change/"
        assert not User.objects.get(pk=amina.pk).is_active

    def test_leads_back_to_the_account_from_its_buttons(self, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        later = time.time() + 10_000
        monkeypatch.setattr(time, "time", lambda: later)
        page = owner.get(owner.post("/admin/account/factors/1/remove/")["Location"])
        data = {"password": PASSWORD, "next": page.context["next"]}
        back = owner.get(owner.post("/admin/account/confirm/", data)["Location"])
        assert back["Location"] == "/admin/account/"

    def test_is_required_for_deleting_groups_from_the_list(
        self, amina: User, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 10_000
        monkeypatch.setattr(time, "time", lambda: later)
        data = {"action": "delete_selected", "_selected_action": amina.groups.get().pk, "post": "yes"}
        assert "/confirm/" in owner.post("/admin/auth/group/", data)["Location"]
        assert amina.groups.exists()

    def test_fails_with_a_wrong_password_and_limits_guesses(
        self, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 10_000
        monkeypatch.setattr(time, "time", lambda: later)
        for _ in range(10):
            page = owner.post("/admin/account/confirm/", {"password": "wrong"}).content.decode()
            assert "The password is wrong." in page
        page = owner.post("/admin/account/confirm/", {"password": PASSWORD}).content.decode()
        assert "too many attempts" in page
        assert "/confirm/" in owner.get("/admin/login-rules/")["Location"]

    def test_never_redirects_to_another_site(self, owner: Client) -> None:
        data = {"password": PASSWORD, "next": "https://evil.example/"}
        assert owner.post("/admin/account/confirm/", data)["Location"] == "/admin/"

"""Codes, recovery codes and passkeys as a second step, roles that require one, and managing them."""

import base64
import datetime as dt
import re
import time
from contextlib import nullcontext
from html import unescape
from typing import Any, Literal

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from accounts import throttle
from accounts.codes import use_code
from accounts.models import RolePolicy, Session, User
from accounts.policies import Demands, demands_on
from core.cache import FailSafeCache
from tests.factories import UserFactory, at
from tests.factories.admin import client_of
from tests.factories.responses import find, one, read

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password-7"
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=PASSWORD, role="Editor")
    return user


@pytest.fixture
def app(amina: User) -> Authenticator:
    return auth.TOTP.activate(amina, SECRET).instance


def code(steps: int = 0) -> str:
    counter = int(timezone.now().timestamp()) // 30 + steps
    return auth.format_hotp_value(auth.hotp_value(SECRET, counter))


def enter_password(client: Client) -> Any:
    return client.post("/admin/login/", {"username": "amina", "password": PASSWORD, "next": "/admin/blog/post/"})


def enter_code(client: Client, value: str, sender: str = "192.0.2.1") -> Any:
    return client.post("/admin/login/second-step/", {"code": value}, REMOTE_ADDR=sender)


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/account/").status_code == 200


class TestCodes:
    def test_the_password_alone_is_not_enough_to_log_in(self, app: Authenticator) -> None:
        client = Client()
        assert enter_password(client)["Location"] == "/admin/login/second-step/"
        assert not is_logged_in(client)

    def test_the_code_field_has_the_focus(self, app: Authenticator) -> None:
        client = Client()
        enter_password(client)
        assert "autofocus" in one(read(client.get("/admin/login/second-step/")), "#id_code").attrib

    def test_password_and_code_lead_to_the_requested_page(self, app: Authenticator) -> None:
        client = Client()
        enter_password(client)
        assert enter_code(client, code())["Location"] == "/admin/blog/post/"
        assert is_logged_in(client)

    def test_a_code_is_valid_once_whatever_the_cache_does(
        self, app: Authenticator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.cache", FailSafeCache("no such cache", {}))
        first, second = Client(), Client()
        value = code()
        for client, is_accepted in ((first, True), (second, False)):
            enter_password(client)
            enter_code(client, value)
            assert is_logged_in(client) is is_accepted

    def test_a_clock_that_was_ahead_locks_no_one_out(self, amina: User, app: Authenticator) -> None:
        used_then = (time.time() + 365 * 24 * 60 * 60) // 30
        Authenticator.objects.filter(pk=app.pk).update(data=app.data | {"last_counter": used_then})
        value = code()
        assert use_code(amina, value) == app
        assert use_code(amina, value) is None

    @pytest.mark.parametrize("change", ["password", "lock"])
    def test_a_code_is_useless_once_the_password_is_changed_or_the_account_locked(
        self, amina: User, app: Authenticator, change: str
    ) -> None:
        client = Client()
        enter_password(client)
        if change == "password":
            amina.set_password("another-long-password-8")
        else:
            amina.is_active = False
        amina.save()
        assert enter_code(client, code())["Location"] == "/admin/login/"
        assert not is_logged_in(client)
        assert not Session.objects.filter(user=amina).exists()

    def test_a_code_is_useless_without_the_password(self, app: Authenticator) -> None:
        client = Client()
        assert enter_code(client, code())["Location"] == "/admin/login/"
        assert not is_logged_in(client)

    @pytest.mark.parametrize("value", ["", "000000x", "1" * 41, "١٢٣٤٥٦", "\x00"])
    def test_nonsense_is_refused(self, app: Authenticator, value: str) -> None:
        client = Client()
        enter_password(client)
        assert enter_code(client, value).status_code == 200
        assert not is_logged_in(client)

    def test_the_number_of_guesses_at_a_code_is_limited(self, app: Authenticator) -> None:
        for number in range(throttle.CODES_PER_ACCOUNT):
            client = Client()
            enter_password(client)
            enter_code(client, "wrong", f"198.51.100.{number}")
        client = Client()
        enter_password(client)
        assert "too many attempts" in enter_code(client, code(), "203.0.113.5").content.decode()

    def test_a_known_browser_can_log_in_even_after_too_many_guesses(self, app: Authenticator) -> None:
        browser = Client()
        enter_password(browser)
        enter_code(browser, code(-1))
        browser.post("/admin/logout/")
        for number in range(throttle.CODES_PER_ACCOUNT + 1):
            client = Client()
            enter_password(client)
            enter_code(client, "wrong", f"198.51.100.{number}")
        enter_password(browser)
        enter_code(browser, code())
        assert is_logged_in(browser)

    @pytest.mark.parametrize(("kind", "is_refused"), [("code", True), ("password", False)])
    def test_a_known_browser_has_fewer_guesses_at_codes_than_at_passwords(
        self, monkeypatch: pytest.MonkeyPatch, kind: Literal["code", "password"], is_refused: bool
    ) -> None:
        monkeypatch.setattr(timezone, "now", lambda: at(2030, 5, 17))
        for _ in range(throttle.PER_KNOWN_BROWSER):
            throttle.count_guess(kind, "1", "203.0.113.5", "browser")
        monkeypatch.setattr(timezone, "now", lambda: at(2030, 5, 17) + dt.timedelta(hours=1))
        with pytest.raises(throttle.TooManyGuessesError) if is_refused else nullcontext():
            throttle.count_guess(kind, "1", "203.0.113.5", "browser")

    def test_a_recovery_code_is_valid_once(self, amina: User, app: Authenticator) -> None:
        value = RecoveryCodes.activate(amina).generate_codes()[0]
        for is_accepted in (True, False):
            client = Client()
            enter_password(client)
            enter_code(client, f"{value[:4]} {value[4:]}")
            assert is_logged_in(client) is is_accepted

    def test_people_are_told_how_many_recovery_codes_are_left(self, amina: User, app: Authenticator) -> None:
        codes = RecoveryCodes.activate(amina).generate_codes()
        told = []
        for value in codes:
            client = Client()
            enter_password(client)
            enter_code(client, value)
            told.append(unescape(client.get("/admin/").text))
        assert "You logged in with a recovery code. 9 unused codes are left." in told[0]
        assert ["Create new ones in" in page for page in told] == [False] * 6 + [True] * 4
        assert '1 unused code is left. Create new ones in <a href="/admin/account/">your account</a>.' in told[8]
        assert "0 unused codes are left." in client.get("/admin/account/").text

    def test_secrets_are_encrypted(self, amina: User, app: Authenticator) -> None:
        codes = RecoveryCodes.activate(amina)
        stored = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert SECRET not in stored
        assert not any(value in stored for value in codes.generate_codes())


class TestSettingUp:
    def test_an_app_is_added_and_recovery_codes_are_shown_once(self, amina: User) -> None:
        client, elsewhere = client_of(amina), client_of(amina)
        page = client.get("/admin/account/app/add/").content.decode()
        secret = re.search(r'<code class="secret" dir="ltr">([A-Z2-7 ]+)</code>', page)
        assert secret
        value = auth.format_hotp_value(
            auth.hotp_value(secret[1].replace(" ", ""), int(timezone.now().timestamp()) // 30)
        )
        response = client.post("/admin/account/app/add/", {"code": value})
        assert response["Location"] == "/admin/account/recovery-codes/"
        shown = [client.get("/admin/account/recovery-codes/").content.decode() for _ in range(2)]
        assert [page.count("<code>") for page in shown] == [10, 0]
        # The other session was started without it.
        assert (is_logged_in(client), is_logged_in(elsewhere)) == (True, False)

    def test_a_wrong_code_adds_no_app(self, amina: User) -> None:
        client = client_of(amina)
        client.get("/admin/account/app/add/")
        response = client.post("/admin/account/app/add/", {"code": "000000"})
        assert response.status_code == 200
        assert "This code is wrong or has already been used." in unescape(response.text)
        assert "autofocus" in one(read(response), "#id_code").attrib
        assert not Authenticator.objects.exists()

    def test_removing_the_last_factor_removes_the_recovery_codes(self, amina: User, app: Authenticator) -> None:
        RecoveryCodes.activate(amina)
        client_of(amina).post(f"/admin/account/factors/{app.pk}/remove/")
        assert not Authenticator.objects.exists()

    def test_the_last_factor_stays_if_the_role_requires_one(self, amina: User, app: Authenticator) -> None:
        RolePolicy.objects.create(role="Editor", needs_second_factor=True)
        page = client_of(amina).post(f"/admin/account/factors/{app.pk}/remove/", follow=True).content.decode()
        assert "First add another." in page
        assert Authenticator.objects.filter(pk=app.pk).exists()

    @pytest.mark.parametrize("path", ["factors/{}/remove/", "passkeys/{}/"])
    def test_users_cannot_change_the_factors_of_others(self, app: Authenticator, path: str) -> None:
        client = client_of(UserFactory(username="owner", is_staff=True, is_superuser=True))
        assert client.post(f"/admin/account/{path.format(app.pk)}", {"name": "x"}).status_code == 404

    def test_the_admin_shows_no_secrets(self, app: Authenticator) -> None:
        client = client_of(UserFactory(username="owner", is_staff=True, is_superuser=True))
        for path in ("/admin/mfa/authenticator/", "/admin/account/emailaddress/"):
            assert client.get(path).status_code == 404

    def test_a_forged_passkey_is_refused(self, amina: User) -> None:
        client = client_of(amina)
        client.get("/admin/account/passkeys/add/")
        for credential in ("", "{}", "[]", '{"id": "AA", "rawId": "AA", "response": {}, "type": "public-key"}', "x"):
            response = client.post("/admin/account/passkeys/add/", {"name": "x", "credential": credential})
            assert response.status_code == 200
            login = Client()
            login.get("/admin/login/passkey/")
            response = login.post("/admin/login/passkey/", {"credential": credential, "next": "/admin/"})
            assert response["Location"] == "/admin/login/?next=%2Fadmin%2F"
        assert not Authenticator.objects.exists()


class TestRequirement:
    @pytest.fixture(autouse=True)
    def _require(self, db: None) -> None:
        RolePolicy.objects.create(role="Editor", needs_second_factor=True)

    @pytest.mark.parametrize(
        "path", ["/admin/", "/admin/blog/post/add/", "/admin/password_change/", "/admin/editor/links/?q=x"]
    )
    def test_users_without_one_can_only_set_it_up(self, amina: User, path: str) -> None:
        client = Client()
        enter_password(client)
        for response in (client.get(path), client.post(path)):
            assert (response.status_code, response["Location"]) == (302, "/admin/account/")
        assert "requires a second step" in client.get("/admin/account/").content.decode()
        assert client.get("/admin/account/app/add/").status_code == 200

    def test_users_without_one_cannot_change_what_readers_see_of_them(self, amina: User) -> None:
        client = Client()
        enter_password(client)
        assert client.post(reverse("own_profile"), {"bio": "Changed"})["Location"] == "/admin/account/"
        assert User.objects.get().bio == ""

    def test_users_without_one_see_only_what_they_can_use(self, amina: User) -> None:
        client = Client()
        enter_password(client)
        for path in ("/admin/account/", "/admin/account/app/add/", "/admin/account/passkeys/add/"):
            page = read(client.get(path))
            assert self.urls_elsewhere(page, path) == {"/", "/admin/logout/"}

    def test_users_without_one_see_no_more_on_error_pages(self, amina: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/admin/login/")
        token = client.cookies["csrftoken"].value
        client.post("/admin/login/", {"username": "amina", "password": PASSWORD, "csrfmiddlewaretoken": token})
        missing, forged = "/admin/account/does-not-exist/", "/admin/account/app/add/"
        for path, response in ((missing, client.get(missing)), (forged, client.post(forged))):
            assert response.status_code in {403, 404}
            # The dashboard leads back to the account.
            assert self.urls_elsewhere(read(response), path) == {"/", "/admin/logout/", "/admin/"}

    def urls_elsewhere(self, page: Any, path: str) -> set[str]:
        """Return the URLs in the navigation, links and forms that aren't those of the account."""
        urls = {link.attrib["href"] for part in ("main", "#navigation") for link in find(page, f"{part} a")}
        urls |= {form.get("action", path) for form in find(page, "form")}
        return {url for url in urls if not url.startswith(("/admin/account/", "otpauth:"))}

    def test_users_without_one_are_readers_on_the_public_site(self, amina: User) -> None:
        client = Client()
        enter_password(client)
        assert client.get("/").wsgi_request.user.is_anonymous

    def test_adding_one_gives_access_to_the_rest(self, amina: User) -> None:
        client = Client()
        enter_password(client)
        page = client.get("/admin/account/app/add/")
        value = auth.format_hotp_value(
            auth.hotp_value(page.context["form"].secret, int(timezone.now().timestamp()) // 30)
        )
        client.post("/admin/account/app/add/", {"code": value})
        assert client.get("/admin/blog/post/add/").status_code == 200

    def test_users_with_one_are_not_affected(self, amina: User, app: Authenticator) -> None:
        assert client_of(amina).get("/admin/blog/post/add/").status_code == 200

    def test_the_strictest_of_several_roles_applies(self, amina: User) -> None:
        other = UserFactory(username="ruth", password=PASSWORD, role="Author")
        assert client_of(other).get("/admin/blog/post/add/").status_code == 200
        other.groups.add(*amina.groups.all())
        assert client_of(User.objects.get(pk=other.pk)).get("/admin/blog/post/add/").status_code == 302


class TestLoginRules:
    def test_each_role_has_its_own(self) -> None:
        Group.objects.create(name="Another")
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        rules = [str(form.instance) for form in owner.get("/admin/login-rules/").context["forms"]]
        assert rules == ["Owner", "Editor", "Author", "Moderator", "Reader of drafts", "Another"]

    def data(self, client: Client, **changes: Any) -> dict[str, Any]:
        forms = client.get("/admin/login-rules/").context["forms"]
        data = {form.add_prefix("session_hours"): form.instance.session_hours for form in forms}
        for form in forms:
            if form.instance.role in changes:
                data |= {form.add_prefix(name): value for name, value in changes[form.instance.role].items()}
        return data

    def test_requiring_a_second_step_logs_out_everyone_in_the_role(self, amina: User) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        editor, author = client_of(amina), client_of(UserFactory(role="Author"))
        rules = self.data(owner, Editor={"needs_second_factor": "on", "session_hours": 8})
        assert owner.post("/admin/login-rules/", rules).status_code == 302
        assert [is_logged_in(client) for client in (owner, editor, author)] == [True, False, True]
        assert RolePolicy.objects.get().session_hours == 8
        enter_password(editor)
        (session,) = Session.objects.filter(user=amina)
        assert session.expire_date - session.started_at == dt.timedelta(hours=8)

    def test_a_renamed_group_keeps_its_rule(self) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        group = Group.objects.create(name="Interns")
        # Another group had this name before.
        RolePolicy.objects.create(role="Volunteers", session_hours=1)
        RolePolicy.objects.create(role="Interns", needs_second_factor=True)
        owner.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Volunteers"})
        assert demands_on(UserFactory(role="Volunteers")) == Demands(True, RolePolicy.DEFAULT_HOURS)
        assert RolePolicy.objects.count() == 1

    def test_impossible_rules_are_refused(self) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        for hours in ("0", "x", "100000", ""):
            rules = self.data(owner, Editor={"session_hours": hours})
            assert owner.post("/admin/login-rules/", rules).status_code == 200
        assert not RolePolicy.objects.exists()

    @pytest.mark.parametrize("path", ["/admin/login-rules/", "/admin/accounts/user/{}/help/"])
    def test_only_owners_can_change_them_or_reset_factors(self, amina: User, path: str) -> None:
        client = client_of(amina)
        for response in (client.get(path.format(amina.pk)), client.post(path.format(amina.pk), {"factors": "1"})):
            assert response.status_code == 403

    def test_an_owner_can_reset_the_factors_of_someone_who_lost_their_phone(
        self, amina: User, app: Authenticator
    ) -> None:
        editor = client_of(amina)
        owner = client_of(UserFactory(is_staff=True, is_superuser=True))
        owner.post(f"/admin/accounts/user/{amina.pk}/help/", {"factors": "1"})
        assert not is_logged_in(editor)
        assert enter_password(Client())["Location"] == "/admin/blog/post/"


def test_codes_survive_a_new_secret_key_if_the_old_one_is_a_fallback(
    amina: User, app: Authenticator, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRET_KEY, old = "another-key", settings.SECRET_KEY
    assert use_code(amina, code()) is None
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    settings.SECRET_KEY_FALLBACKS = [old]
    assert use_code(amina, code()) == app


def test_an_account_can_be_rescued_on_the_server(
    amina: User, app: Authenticator, capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match=r"no account.*“nobody”.*Owners: none \(createsuperuser creates one\)"):
        call_command("rescue_account", "nobody")
    with override("fr"), pytest.raises(CommandError, match="Aucun compte"):
        call_command("rescue_account", "nobody")
    User.objects.update(is_superuser=True)
    with pytest.raises(CommandError, match=r"Owners: amina\.$"):
        call_command("rescue_account", "Amina?")
    call_command("rescue_account", "amina")
    assert "http://testserver/admin/password/set/" in capsys.readouterr().out
    assert enter_password(Client())["Location"] == "/admin/blog/post/"

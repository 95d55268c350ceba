"""Passkeys: accepting invitations and logging in with them, and what can't be done with those of others."""

import base64
import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_tests
from hypothesis import strategies as st

from accounts import challenges
from accounts.login_forms import AddPasskeyForm, LoginPasskeyForm
from accounts.models import AuditRecord, PasswordLink, RolePolicy, Session, User
from accounts.password_links import Kind, make_link
from accounts.people import add_person
from accounts.sessions import SessionStore
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.passkeys import Passkey
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db

ADD, LOGIN = "/admin/account/passkeys/add/", "/admin/login/passkey/"
NAMES = {"display_name": "Nightingale", "username": "night"}


@pytest.fixture
def rosa() -> User:
    return add_person({"display_name": "Rosa Pen", "email": "rosa@example.org"}, "Author")


def invite(person: User) -> str:
    return make_link(User.objects.get(pk=person.pk), Kind.GIVEN)


def accept(url: str, passkey: Passkey | None = None, client: Client | None = None, **changes: str) -> Any:
    """Open the link, create a passkey, and send it."""
    client = client or Client()
    page = client.post(url, {**NAMES, **changes, "passkey": "1"})
    credential = (passkey or Passkey()).create(page.context["options"])
    return client.post(url, {**NAMES, **changes, "credential": credential})


def add_passkey(user: User, name: str = "Laptop", counter: int = 0) -> Passkey:
    """Return a new passkey of `user`."""
    client, passkey = client_of(user), Passkey(counter=counter)
    options = client.get(ADD).context["options"]
    assert client.post(ADD, {"name": name, "credential": passkey.create(options)}).status_code == 302
    return passkey


def log_in(passkey: Passkey, client: Client, user_handle: str | None = None) -> Any:
    credential = passkey.use(client.get(LOGIN).json(), user_handle=user_handle)
    return client.post(LOGIN, {"credential": credential, "next": "/admin/account/"})


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/account/").status_code == 200


ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


# Faults in what a browser sends: a value is replaced or left out, or its bytes are changed, cut off or extended.
VALUES: Final = ("id", "rawId", "type", "response", "clientExtensionResults")
BYTES: Final = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
REPLACED: Final = st.tuples(st.sampled_from(VALUES + BYTES), ANYTHING | st.just("left out"))
CHANGED: Final = st.tuples(st.sampled_from(BYTES), st.integers(0, 500), st.integers(1, 255))
CUT: Final = st.tuples(st.sampled_from(BYTES), st.integers(0, 500), st.binary(max_size=8))


def with_fault(sent: dict[str, Any], fault: tuple[Any, ...]) -> dict[str, Any]:
    """Return a copy of what a browser sends that has one of these faults."""
    name, *how = fault
    if name in VALUES:
        part = {**sent, name: how[0]}
        return part if how[0] != "left out" else {key: value for key, value in sent.items() if key != name}
    response = dict(sent["response"])
    if len(how) == 1:
        response[name] = how[0]
        if how[0] == "left out":
            del response[name]
    else:
        content = bytearray(base64.urlsafe_b64decode(response.get(name, "AAAA") + "=="))
        position, change = how[0] % len(content), how[1]
        if isinstance(change, int):
            content[position] ^= change
        else:
            content[position:] = change
        response[name] = base64.urlsafe_b64encode(bytes(content)).rstrip(b"=").decode()
    return {**sent, "response": response}


class TestInvitation:
    def test_is_accepted_with_a_passkey_alone(self, rosa: User) -> None:
        client, passkey, url = Client(headers={"user-agent": "Firefox/140.0 (Windows)"}), Passkey(), invite(rosa)
        response = accept(url, passkey, client)
        assert response["Location"] == "/admin/account/recovery-codes/"
        assert client.get(response["Location"]).text.count("<code>") == 10
        rosa.refresh_from_db()
        assert (rosa.display_name, rosa.username, rosa.slug) == ("Nightingale", "night", "nightingale")
        assert not rosa.has_usable_password()
        assert "You have no password" in client.get("/admin/account/").text
        assert Authenticator.objects.get(type="webauthn").wrap().name == "Firefox on Windows"
        assert not PasswordLink.objects.exists()
        again = Client()
        assert log_in(passkey, again)["Location"] == "/admin/account/"
        assert is_logged_in(again)
        done = AuditRecord.objects.filter(person=rosa).values_list("action", "details")
        assert ("factor_added", "Passkey") in done

    def test_counts_as_the_second_step_of_the_role(self, rosa: User) -> None:
        RolePolicy.objects.create(role="Author", needs_second_factor=True)
        client = Client()
        accept(invite(rosa), client=client)
        assert client.get("/admin/blog/post/add/").status_code == 200

    def test_works_once(self, rosa: User) -> None:
        url = invite(rosa)
        accept(url)
        for data in ({}, {**NAMES, "passkey": "1"}, {**NAMES, "credential": "{}"}, {**NAMES, "password1": PASSWORD}):
            assert Client().post(url, data).status_code == 410

    def test_keeps_the_slug_of_an_author_with_public_posts(self, rosa: User) -> None:
        PostFactory(author=rosa)
        accept(invite(rosa))
        rosa.refresh_from_db()
        assert (rosa.display_name, rosa.slug) == ("Nightingale", "rosa-pen")

    @pytest.mark.parametrize("names", [{"display_name": " "}, {"username": "taken"}, {"username": "not allowed!"}])
    def test_invalid_names_are_reported_before_a_passkey_is_created(self, rosa: User, names: dict[str, str]) -> None:
        UserFactory(username="taken")
        url = invite(rosa)
        page = Client().post(url, {**NAMES, **names, "passkey": "1"})
        assert set(page.context["form"].errors) == set(names)
        # What was typed is still there.
        assert "night" in page.text.lower()
        assert Client().get(url).status_code == 200

    def test_a_password_can_be_chosen_after_all(self, rosa: User) -> None:
        url = invite(rosa)
        page = Client().post(url, NAMES)
        assert page.context["form"].initial == {**page.context["form"].initial, **NAMES}
        assert not page.context["form"].errors
        data = {**NAMES, "password1": PASSWORD, "password2": PASSWORD}
        assert Client().post(url, data)["Location"].startswith("/admin/login/")

    def test_is_only_accepted_from_the_browser_that_was_asked_for_it(self, rosa: User) -> None:
        url, passkey = invite(rosa), Passkey()
        credential = passkey.create(Client().post(url, {**NAMES, "passkey": "1"}).context["options"])
        other = Client()
        for client in (Client(), other):
            if client is other:
                client.post(url, {**NAMES, "passkey": "1"})
            page = client.post(url, {**NAMES, "credential": credential})
            assert "The passkey could not be added." in page.text
        assert not Authenticator.objects.exists()
        assert Client().get(url).status_code == 200

    @pytest.mark.parametrize(
        "credential", ["", "{}", "[]", "x", '{"id": 1}', '{"response": {}}', "null", "false", "0", "[" * 5000]
    )
    def test_nonsense_is_refused_and_keeps_the_link(self, rosa: User, credential: str) -> None:
        url, client = invite(rosa), Client()
        client.post(url, {**NAMES, "passkey": "1"})
        assert client.post(url, {**NAMES, "credential": credential}).status_code == 200
        assert not Authenticator.objects.exists()
        assert accept(url, client=client).status_code == 302

    def test_a_device_that_does_not_recognise_its_user_is_refused(self, rosa: User) -> None:
        page = accept(invite(rosa), Passkey(is_verified=False))
        assert "The passkey could not be added." in page.text

    def test_a_password_link_of_an_existing_account_adds_no_passkey(self) -> None:
        # It would log in without their second step.
        amina: User = UserFactory(username="amina", password=PASSWORD, role="Author", email="amina@example.org")
        for kind in Kind:
            url = make_link(amina, kind)
            client = Client()
            assert "options" not in client.post(url, {**NAMES, "passkey": "1"}).context
            assert client.post(url, {**NAMES, "credential": "{}"}).status_code == 200
            assert "data-with-passkeys" not in client.get(url).text
        assert not Authenticator.objects.exists()

    def test_losing_the_role_in_the_meantime_is_not_an_error(self, rosa: User) -> None:
        url, client = invite(rosa), Client()
        rosa.groups.clear()
        assert accept(url, client=client)["Location"] == "/admin/login/"
        assert not is_logged_in(client)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_only_one_of_several_concurrent_acceptances_gets_the_account(self, at_once: AtOnce) -> None:
        person = add_person({"display_name": "Rosa Pen", "email": ""}, "Author")
        url, clients = invite(person), [Client(), Client()]
        passkeys = [Passkey(), Passkey()]
        credentials = [
            passkey.create(client.post(url, {**NAMES, "passkey": "1"}).context["options"])
            for client, passkey in zip(clients, passkeys, strict=True)
        ]
        password = {**NAMES, "password1": PASSWORD, "password2": PASSWORD}
        statuses = at_once(
            *(
                lambda client=client, credential=credential: client.post(url, {**NAMES, "credential": credential})
                for client, credential in zip(clients, credentials, strict=True)
            ),
            *(lambda: Client().post(url, password) for _ in range(2)),
        )
        assert sorted(response.status_code for response in statuses) == [302, 410, 410, 410]
        person.refresh_from_db()
        passkeys_made = Authenticator.objects.filter(type="webauthn").count()
        assert passkeys_made + person.has_usable_password() == 1

    def test_only_one_of_two_people_gets_a_username_chosen_at_the_same_time(self, at_once: AtOnce) -> None:
        people = [add_person({"display_name": name, "email": ""}, "Author") for name in ("Ann", "Bo")]
        data = {"display_name": "Same", "username": "same", "password1": PASSWORD, "password2": PASSWORD}
        urls = [invite(person) for person in people]
        responses = at_once(*(lambda url=url: Client().post(url, data) for url in urls))
        assert sorted(response.status_code for response in responses) == [200, 302]
        (refused,) = (response for response in responses if response.status_code == 200)
        assert set(refused.context["form"].errors) == {"username"}
        assert User.objects.filter(username="same").count() == 1

    def test_only_one_of_several_concurrent_answers_to_a_challenge_logs_in(self, at_once: AtOnce) -> None:
        passkey = add_passkey(UserFactory(role="Editor"))
        first = Client()
        credential = passkey.use(first.get(LOGIN).json())
        clients = [Client() for _ in range(4)]
        for client in clients:
            client.cookies[challenges.COOKIE] = first.cookies[challenges.COOKIE].value
        at_once(*(lambda client=client: client.post(LOGIN, {"credential": credential}) for client in clients))
        assert [is_logged_in(client) for client in clients].count(True) == 1


class TestLoggingIn:
    @pytest.fixture
    def amina(self) -> User:
        user: User = UserFactory(username="amina", password=PASSWORD, role="Editor")
        return user

    @pytest.fixture
    def mallory(self) -> User:
        user: User = UserFactory(username="mallory", password=PASSWORD, role="Author")
        return user

    def test_a_passkey_replaces_password_and_second_step(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        assert log_in(passkey, client)["Location"] == "/admin/account/"
        assert client.get("/admin/account/").context["user"] == amina

    def test_what_a_passkey_sent_cannot_be_replayed(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        credential = passkey.use(client.get(LOGIN).json())
        client.post(LOGIN, {"credential": credential})
        assert is_logged_in(client)
        client.post("/admin/logout/")
        replays = [client, Client()]
        replays[1].get(LOGIN)
        for replay in replays:
            assert replay.post(LOGIN, {"credential": credential})["Location"].startswith("/admin/login/")
            assert not is_logged_in(replay)

    def test_nothing_is_stored_before_anyone_has_logged_in(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        Session.objects.all().delete()
        kept = client.get(LOGIN).cookies
        assert list(kept) == [challenges.COOKIE]
        assert kept[challenges.COOKIE]["path"] == LOGIN
        assert kept[challenges.COOKIE]["httponly"]
        assert kept[challenges.COOKIE]["samesite"] == "Strict"
        log_in(Passkey(), client)
        client.post(LOGIN, {"credential": "{}"})
        assert not Session.objects.exists()
        log_in(passkey, client)
        assert Session.objects.count() == 1

    def test_a_challenge_is_used_once_even_if_the_cookie_was_stolen_as_well(self, amina: User) -> None:
        passkey, client, thief = add_passkey(amina), Client(), Client()
        credential = passkey.use(client.get(LOGIN).json())
        thief.cookies[challenges.COOKIE] = client.cookies[challenges.COOKIE].value
        client.post(LOGIN, {"credential": credential})
        assert is_logged_in(client)
        for _attempt in range(2):
            thief.post(LOGIN, {"credential": credential})
            assert not is_logged_in(thief)

    @pytest.mark.parametrize("minutes", [6, -1])
    def test_a_challenge_is_valid_for_minutes_and_not_in_the_future(
        self, amina: User, minutes: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passkey, client = add_passkey(amina), Client()
        credential = passkey.use(client.get(LOGIN).json())
        now = time.time() + minutes * 60
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda: now)
            patch.setattr("django.utils.timezone.now", lambda: dt.datetime.fromtimestamp(now, dt.UTC))
            client.post(LOGIN, {"credential": credential})
        assert not is_logged_in(client)

    def test_a_clock_that_was_ahead_locks_no_one_out(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        Authenticator.objects.update(last_used_at=timezone.now() + dt.timedelta(days=400))
        log_in(passkey, client)
        assert is_logged_in(client)

    def test_a_forged_challenge_is_refused(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        for cookie in (
            "",
            "x",
            signing.dumps([0, {}], salt="other"),
            client.get(LOGIN).cookies[challenges.COOKIE].value[1:],
        ):
            credential = passkey.use(client.get(LOGIN).json())
            client.cookies[challenges.COOKIE] = cookie
            client.post(LOGIN, {"credential": credential})
            assert not is_logged_in(client)

    @pytest.mark.parametrize(
        ("counters", "times"),
        [
            ([0, 0, 0], 0),
            ([0, 3, 4], 0),
            ([5, 6, 9], 0),
            ([5, 5], 1),
            ([5, 9, 6, 7], 1),
            ([5, 0, 0], 1),
            ([3, 9, 4, 10, 5], 2),
        ],
    )
    def test_a_passkey_that_may_have_been_copied_works_and_is_recorded(
        self, amina: User, counters: list[int], times: int
    ) -> None:
        passkey = add_passkey(amina, counter=counters[0])
        for passkey.counter in counters[1:]:
            client = Client()
            credential = passkey.use(client.get(LOGIN).json())
            # The second click of a double click.
            for _click in range(2):
                client.post(LOGIN, {"credential": credential})
            assert is_logged_in(client)
        assert AuditRecord.objects.filter(action="passkey_suspected", person=amina).count() == times
        assert ("Used a passkey that may have been copied" in client.get("/admin/account/").text) == bool(times)

    def test_a_passkey_opens_its_own_account_only(self, amina: User, mallory: User) -> None:
        own, hers = add_passkey(mallory), add_passkey(amina)
        client = Client()
        log_in(own, client, user_handle=hers.user_handle)
        assert not is_logged_in(client)
        # Nor is it someone else's second step, or their confirmation.
        client.post("/admin/login/", {"username": "amina", "password": PASSWORD})
        options = client.get("/admin/login/second-step/").context["options"]
        assert client.post("/admin/login/second-step/", {"credential": own.use(options)}).status_code == 200
        assert not is_logged_in(client)
        options = client.get("/admin/login/second-step/").context["options"]
        client.post("/admin/login/second-step/", {"credential": hers.use(options)})
        assert is_logged_in(client)

    @pytest.mark.parametrize("handle", ["", "MA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "gICA", "AA", "x", "LTE"])
    def test_a_passkey_without_an_account_is_refused(self, amina: User, handle: str) -> None:
        client = Client()
        response = log_in(Passkey(), client, user_handle=handle)
        assert response["Location"].startswith("/admin/login/")
        assert not is_logged_in(client)

    def test_a_passkey_used_on_another_site_is_refused_here(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        passkey.origin = "http://testserver.evil.example"
        log_in(passkey, client)
        assert not is_logged_in(client)

    def test_a_device_that_does_not_recognise_its_user_is_refused(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        passkey.is_verified = False
        log_in(passkey, client)
        assert not is_logged_in(client)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
    def test_users_who_may_not_log_in_are_refused(self, amina: User, change: dict[str, bool]) -> None:
        passkey, client = add_passkey(amina), Client()
        User.objects.filter(pk=amina.pk).update(**change)
        assert log_in(passkey, client)["Location"].startswith("/admin/login/")
        assert not is_logged_in(client)

    def test_a_csrf_token_is_required(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client(enforce_csrf_checks=True)
        assert log_in(passkey, client).status_code == 403

    def test_logging_in_starts_a_new_session(self, amina: User) -> None:
        passkey, client = add_passkey(amina), Client()
        before = client.session.session_key or ""
        log_in(passkey, client)
        assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
        attacker = Client()
        attacker.cookies[settings.SESSION_COOKIE_NAME] = before
        assert not is_logged_in(attacker)


class TestNonsense:
    """Malformed data in place of a passkey is refused without a server error."""

    @pytest.fixture
    def request_(self, rf: RequestFactory) -> Iterator[HttpRequest]:
        request = rf.get("/")
        request.session = SessionStore()
        request.user = AnonymousUser()
        with context.request_context(request):
            yield request

    @settings_of_tests(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(is_new=st.booleans(), fault=REPLACED | CHANGED | CUT, anything=st.none() | ANYTHING)
    def test_is_refused(self, request_: HttpRequest, is_new: bool, fault: tuple[Any, ...], anything: Any) -> None:
        user, passkey = User(pk=1, username="amina"), Passkey()
        if is_new:
            sent = json.loads(passkey.create(webauthn.begin_registration(user, passwordless=True)))
        else:
            passkey.user_handle = "MQ"
            options, request_.COOKIES[challenges.COOKIE] = challenges.begin()
            sent = json.loads(passkey.use(options))
        sent = anything if anything is not None else with_fault(sent, fault)
        data = {"credential": json.dumps(sent)}
        form: Any = AddPasskeyForm(data, user=user) if is_new else LoginPasskeyForm(data)
        if form.is_valid():
            # Nothing signs what a new passkey says about itself.
            assert is_new
            assert isinstance(form.cleaned_data["credential"], dict)
        else:
            assert set(form.errors) <= {"credential", "__all__"}

    @pytest.mark.parametrize("character", ["\0", "\ud800"])
    def test_characters_that_no_database_can_store_are_refused(self, request_: HttpRequest, character: str) -> None:
        user, passkey = User(pk=1, username="amina"), Passkey()
        sent = json.loads(passkey.create(webauthn.begin_registration(user, passwordless=True)))
        form = AddPasskeyForm({"credential": json.dumps({**sent, "label": character})}, user=user)
        assert set(form.errors) == {"credential"}

    @pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, "NaN", "{"])
    def test_text_that_python_can_not_read_is_refused(self, request_: HttpRequest, text: str) -> None:
        for form in (AddPasskeyForm({"credential": text}, user=User(pk=1)), LoginPasskeyForm({"credential": text})):
            assert "credential" in form.errors


class TestWithoutPassword:
    """An account with a passkey and no password."""

    @pytest.fixture
    def client(self, rosa: User) -> Client:
        client = Client()
        accept(invite(rosa), client=client)
        rosa.refresh_from_db()
        return client

    def test_the_only_passkey_cannot_be_removed(self, client: Client, rosa: User) -> None:
        passkey = Authenticator.objects.get(type="webauthn")
        page = client.post(f"/admin/account/factors/{passkey.pk}/remove/", follow=True)
        assert "First add another one, or choose a password." in page.text
        assert Authenticator.objects.filter(pk=passkey.pk).exists()
        second = Passkey()
        client.post(ADD, {"name": "Phone", "credential": second.create(client.get(ADD).context["options"])})
        client.post(f"/admin/account/factors/{passkey.pk}/remove/")
        assert not Authenticator.objects.filter(pk=passkey.pk).exists()

    def test_a_password_can_be_added(self, client: Client, rosa: User) -> None:
        page = client.get("/admin/password_change/")
        assert list(page.context["form"].fields) == ["new_password1", "new_password2"]
        client.post("/admin/password_change/", {"new_password1": PASSWORD, "new_password2": PASSWORD})
        rosa.refresh_from_db()
        assert rosa.check_password(PASSWORD)
        assert is_logged_in(client)

    def test_a_lost_passkey_is_replaced_by_a_link_and_a_recovery_code(self, client: Client, rosa: User) -> None:
        codes = client.get("/admin/account/recovery-codes/").context["codes"]
        url = make_link(rosa, Kind.REQUESTED)
        assert list(Client().get(url).context["form"].fields) == ["username", "password1", "password2"]
        assert Client().post(url, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
        new = Client()
        new.post("/admin/login/", {"username": "night", "password": PASSWORD})
        assert not is_logged_in(new)
        new.post("/admin/login/second-step/", {"code": codes[0]})
        assert is_logged_in(new)

    def test_the_account_is_not_invited_again(self, client: Client, rosa: User) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True, password=PASSWORD))
        assert "New password…" in owner.get(f"/admin/accounts/user/{rosa.pk}/change/").text
        assert "form" not in owner.get(f"/admin/accounts/user/{rosa.pk}/link/").context

    def test_an_owner_who_removes_the_passkey_is_asked_for_a_link(self, client: Client, rosa: User) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True, password=PASSWORD))
        page = owner.post(f"/admin/accounts/user/{rosa.pk}/help/", {"factors": "1"}, follow=True)
        assert page.redirect_chain[-1][0] == f"/admin/accounts/user/{rosa.pk}/link/"
        assert "Invite this person" in page.text

    def test_the_last_owner_keeps_the_passkey(self, client: Client, rosa: User) -> None:
        User.objects.filter(pk=rosa.pk).update(is_superuser=True)
        response = client.post(f"/admin/accounts/user/{rosa.pk}/help/", {"factors": "1"}, follow=True)
        assert "This is the only owner who can log in." in response.text
        assert Authenticator.objects.filter(user=rosa, type="webauthn").exists()

"""Attacks on the login pages: forged forms, planted sessions, foreign hosts, hostile names, and races."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.core import context
from django.conf import settings
from django.core import mail
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import confirmation, emergency
from accounts.models import Session, User
from accounts.password_links import Kind, make_link, send_link
from accounts.people import give_role
from accounts.sessions import stored_key
from core.models import SiteSettings
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import links
from tests.factories.types import AtOnce, Work

pytestmark = pytest.mark.django_db

LOGIN, FORGOTTEN = "/admin/login/", "/admin/password/forgotten/"
COOKIE = settings.SESSION_COOKIE_NAME
CREDENTIALS = {"username": "amina", "password": PASSWORD}


@pytest.fixture
def amina() -> User:
    user: User = UserFactory(username="amina", password=PASSWORD, role="Editor", email="amina@example.org")
    return user


def is_logged_in(client: Client) -> bool:
    return client.get("/admin/account/").status_code == 200


class TestForeignForms:
    """Another site can send forms to this one from a victim's browser."""

    @pytest.mark.parametrize(
        ("path", "data"),
        [
            (LOGIN, CREDENTIALS),
            ("/admin/login/second-step/", {"code": "000000"}),
            ("/admin/logout/", {}),
            ("/admin/account/sessions/end/", {}),
            ("/admin/account/emergency-link/", {}),
            ("/admin/account/confirm/", {"password": PASSWORD}),
            ("/admin/account/recovery-codes/", {}),
            ("/admin/password_change/", {}),
            (FORGOTTEN, {"name": "amina"}),
        ],
    )
    def test_are_refused(self, amina: User, path: str, data: dict[str, str]) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(amina)
        assert client.post(path, data).status_code == 403
        assert is_logged_in(client)

    def test_log_no_one_in(self, amina: User) -> None:
        client = Client(enforce_csrf_checks=True)
        assert client.post(LOGIN, CREDENTIALS).status_code == 403
        assert not is_logged_in(client)


class TestSessions:
    def test_a_session_planted_by_an_attacker_is_replaced_on_login(self, amina: User) -> None:
        attacker, victim = Client(), Client()
        planted = attacker.session.session_key or ""
        victim.cookies[COOKIE] = planted
        victim.post(LOGIN, CREDENTIALS)
        assert is_logged_in(victim)
        assert victim.cookies[COOKIE].value != planted
        assert not is_logged_in(attacker)
        assert not Session.objects.filter(pk=stored_key(planted)).exists()

    def test_an_invented_session_key_is_not_adopted(self, amina: User) -> None:
        client = Client()
        client.cookies[COOKIE] = "a" * 32
        client.post(LOGIN, CREDENTIALS)
        assert client.cookies[COOKIE].value != "a" * 32
        assert not Session.objects.filter(pk=stored_key("a" * 32)).exists()

    def test_what_the_database_stores_of_a_session_opens_none(self, amina: User) -> None:
        client, thief = client_of(amina), Client()
        row = Session.objects.get()
        assert client.cookies[COOKIE].value not in str(Session.objects.values().get())
        thief.cookies[COOKIE] = row.pk
        assert not is_logged_in(thief)
        assert is_logged_in(client)

    def test_logging_out_ends_the_session_on_the_server(self, amina: User) -> None:
        client, thief = client_of(amina), Client()
        thief.cookies[COOKIE] = client.cookies[COOKIE].value
        client.post("/admin/logout/")
        assert not is_logged_in(thief)

    @pytest.mark.parametrize("ending", ["role", "lock", "elsewhere"])
    def test_a_session_that_is_ended_during_its_request_stays_ended(
        self, amina: User, ending: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = client_of(amina)
        endings: dict[str, Callable[[], object]] = {
            "role": lambda: give_role(User.objects.get(pk=amina.pk), "Author"),
            "lock": lambda: Client().post(emergency.make_link(amina)),
            "elsewhere": lambda: Session.objects.all().delete(),
        }

        def confirm_late(request: HttpRequest) -> None:
            with context.request_context(None):
                # Another request ends the session after this one has read it and before this one stores it.
                endings[ending]()
            confirmation.confirm(request)

        monkeypatch.setattr("accounts.views.confirming.confirm", confirm_late)
        response = client.post("/admin/account/confirm/", {"password": PASSWORD})
        assert response["Location"] == "/admin/login/?next=/admin/account/confirm/"
        assert not Session.objects.filter(user=amina).exists()
        assert not is_logged_in(client)

    def test_a_request_has_the_role_at_the_time_of_the_request(self, amina: User) -> None:
        client, post = client_of(amina), PostFactory()
        assert client.get(f"/admin/blog/post/{post.pk}/change/").status_code == 200
        # Not through the admin, so that the session stays.
        User.groups.through._default_manager.filter(user=amina).delete()
        assert client.get(f"/admin/blog/post/{post.pk}/change/").status_code in {302, 403}


class TestEmergencyLink:
    def test_locks_the_account_it_belongs_to_no_matter_who_opens_it(self, amina: User) -> None:
        other = UserFactory(username="other", role="Author")
        link = emergency.make_link(amina)
        client = client_of(other)
        client.post(link)
        assert is_logged_in(client)
        assert not User.objects.get(pk=amina.pk).is_active
        assert User.objects.get(pk=other.pk).is_active

    def test_secrets_of_emergency_and_password_links_are_not_interchangeable(self, amina: User) -> None:
        secrets = [url.split("/")[-2] for url in (make_link(amina, Kind.GIVEN), emergency.make_link(amina))]
        assert Client().post(f"/admin/lock/{secrets[0]}/").status_code == 404
        assert Client().post(f"/admin/password/set/{secrets[1]}/").status_code == 410

    @pytest.mark.parametrize("url", ["//evil.example/", "https://evil.example/"])
    def test_never_redirects_to_another_site(self, amina: User, url: str) -> None:
        response = Client().post(emergency.make_link(amina) + f"?next={url}", {"next": url})
        assert response.status_code == 200
        assert "evil" not in response.text


class TestHosts:
    """The host of a request is chosen by its sender."""

    def test_links_in_e_mails_and_on_pages_have_the_host_of_the_site(
        self, amina: User, work: Work, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        foreign = {"host": "evil.example", "x-forwarded-host": "evil.example"}
        Client(headers=foreign).post(FORGOTTEN, {"name": "amina"})
        work()
        (email,) = mail.outbox
        assert links(email)
        assert "evil" not in str(email.message())
        owner = client_of(UserFactory(is_staff=True, is_superuser=True, password=PASSWORD))
        invitation = {"display_name": "Rosa", "email": "", "role": "Author"}
        for path, data in (("/admin/accounts/user/add/", invitation), ("/admin/account/emergency-link/", {})):
            page = owner.post(path, data, headers=foreign)
            assert page.status_code == 200
            assert "http://testserver/admin/" in page.text
            assert "evil.example/admin/" not in page.text

    def test_an_unknown_host_is_refused(self, amina: User) -> None:
        assert Client(headers={"host": "evil.example"}).post(FORGOTTEN, {"name": "amina"}).status_code == 400


class TestNames:
    """Names of users and of the site are untrusted text that is shown to others."""

    HOSTILE = "A\r\nBcc: all@example.org\n\n\u202egnp.exe\u2066 <script>alert(1)</script>" + "é\u0301" * 40

    def test_cannot_inject_headers_into_emails(self, amina: User) -> None:
        User.objects.filter(pk=amina.pk).update(display_name=self.HOSTILE, first_name=self.HOSTILE[:150])
        SiteSettings.objects.update_or_create(pk=1, defaults={"title": self.HOSTILE[:100]})
        amina.refresh_from_db()
        assert send_link(amina, make_link(amina, Kind.GIVEN), Kind.GIVEN)
        (email,) = mail.outbox
        head = str(email.message()).partition("\n\n")[0]
        assert email.recipients() == ["amina@example.org"]
        assert not re.search("^bcc:", head, re.IGNORECASE | re.MULTILINE)
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", str(email.subject))

    @pytest.mark.parametrize("page", ["", "{pk}/change/", "{pk}/link/", "{pk}/offboard/", "{pk}/help/"])
    def test_cannot_reverse_a_page_or_run_a_script(self, amina: User, page: str) -> None:
        owner = client_of(UserFactory(is_staff=True, is_superuser=True, password=PASSWORD))
        # An import or a script may store such a name.
        User.objects.filter(pk=amina.pk).update(display_name=self.HOSTILE)
        response = owner.get(f"/admin/accounts/user/{page.format(pk=amina.pk)}")
        assert response.status_code == 200
        assert "<script>alert" not in response.text

    @pytest.mark.parametrize(
        "name", ["x" * 10_000, "\x00", "\u202e", "amina\x00", "\uff41mina", "AMINA", "'; --", "\ud800"]
    )
    def test_odd_ones_log_no_one_in_and_cause_no_error(self, amina: User, name: str) -> None:
        for path, field in ((LOGIN, "username"), (FORGOTTEN, "name")):
            data = {field: name.encode(errors="replace").decode(), "password": PASSWORD}
            assert Client().post(path, data).status_code == 200


def test_requesting_a_link_takes_the_same_work_for_every_name(amina: User) -> None:
    UserFactory(username="locked", email="locked@example.org", role="Author", is_active=False)
    UserFactory(username="reader", email="reader@example.org")
    seen = set()
    for name in ("amina", "amina@example.org", "locked", "reader", "nobody", "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            response = Client().post(FORGOTTEN, {"name": name})
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.text).replace(name, "")
        kinds = tuple(query["sql"].split()[0] for query in queries)
        seen.add((response.status_code, page, kinds, tuple(sorted(response.headers))))
    assert len(seen) == 1


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_demote_each_other_at_the_same_time(at_once: AtOnce) -> None:
    owners = [UserFactory(is_superuser=True, is_staff=True, password=PASSWORD) for _ in range(2)]
    clients = [client_of(owner) for owner in owners]

    def data(person: User) -> dict[str, Any]:
        fields = ("display_name", "slug", "bio", "username", "first_name", "last_name", "email")
        return {**{name: getattr(person, name) for name in fields}, "role": "Editor"}

    responses = at_once(
        *(
            lambda client=client, person=person: client.post(f"/admin/accounts/user/{person.pk}/change/", data(person))
            for client, person in zip(clients, reversed(owners), strict=True)
        )
    )
    assert all(response.status_code < 500 for response in responses)
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1

"""Links with which people choose a password, after an invitation or instead of a forgotten password."""

import datetime as dt
import logging
from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.utils import timezone

from accounts.models import SetupLink, User
from accounts.people import deactivate
from accounts.setup_links import ExpiredLinkError, choose_password, find_person, make_link
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of

pytestmark = pytest.mark.django_db

PASSWORD = "plenty of words here"


@pytest.fixture
def newcomer() -> User:
    person: User = UserFactory(username="rosa-pen", display_name="Rosa Pen", email="rosa@example.org", role="Author")
    return person


def token_of(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


def choose(url: str, **changes: str) -> Any:
    names = {"display_name": "Rosa Pen", "username": "rosa-pen"}
    return Client().post(url, {**names, "password1": PASSWORD, "password2": PASSWORD, **changes})


class TestLink:
    def test_is_stored_as_a_hash(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        link = SetupLink.objects.get()
        assert len(token) == 43
        assert link.token_hash == sha256(token.encode()).hexdigest()

    def test_works_once(self, newcomer: User) -> None:
        url = make_link(newcomer)
        assert choose(url)["Location"] == "/admin/"
        assert authenticate(username="rosa-pen", password=PASSWORD) == newcomer
        assert choose(url, password1="another of these", password2="another of these").status_code == 410
        assert Client().get(url).status_code == 410
        assert authenticate(username="rosa-pen", password=PASSWORD) == newcomer

    def test_works_once_even_if_two_forms_were_open(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        people = [find_person(token), find_person(token)]
        choose_password(token, people[0], PASSWORD)
        with pytest.raises(ExpiredLinkError):
            choose_password(token, people[1], "of someone else")
        assert authenticate(username="rosa-pen", password=PASSWORD)

    def test_is_not_used_up_by_programs_that_open_it(self, newcomer: User) -> None:
        url = make_link(newcomer)
        for method in ("get", "head", "get"):
            assert getattr(Client(), method)(url).status_code == 200
        assert choose(url).status_code == 302

    @pytest.mark.parametrize(("age", "works"), [(dt.timedelta(days=6, hours=23), True), (dt.timedelta(days=7), False)])
    def test_works_for_seven_days(self, newcomer: User, age: dt.timedelta, works: bool) -> None:
        url = make_link(newcomer)
        assert SetupLink.objects.get().expires_at <= timezone.now() + dt.timedelta(days=7)
        SetupLink.objects.update(expires_at=SetupLink.objects.get().expires_at - age)
        assert Client().get(url).status_code == (200 if works else 410)
        assert choose(url).status_code == (302 if works else 410)

    def test_stops_working_when_there_is_a_newer_one(self, newcomer: User) -> None:
        first, second = make_link(newcomer), make_link(newcomer)
        assert [Client().get(url).status_code for url in (first, second)] == [410, 200]

    def test_stops_working_when_the_account_is_deactivated(self, newcomer: User) -> None:
        UserFactory(is_superuser=True)
        url = make_link(newcomer)
        deactivate(newcomer)
        assert choose(url).status_code == 410

    def test_belongs_to_one_person(self, newcomer: User) -> None:
        token = token_of(make_link(newcomer))
        with pytest.raises(ExpiredLinkError):
            choose_password(token, UserFactory(), PASSWORD)

    @pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "ä" * 43, "A" * 3000])
    def test_a_wrong_one_is_answered_like_an_old_one(self, newcomer: User, token: str) -> None:
        old = make_link(newcomer)
        make_link(newcomer)
        expected, response = Client().get(old), Client().get(f"/admin/account/{token}/")
        assert (response.status_code, response.content) == (expected.status_code, expected.content)


class TestPage:
    def test_keeps_its_address_secret(self, newcomer: User, caplog: pytest.LogCaptureFixture) -> None:
        url = make_link(newcomer)
        with caplog.at_level(logging.DEBUG):
            for response in (Client().get(url), choose(url, password2="different"), choose(url), Client().get(url)):
                if response.status_code != 302:
                    assert response["Referrer-Policy"] == "no-referrer"
                assert "no-store" in response["Cache-Control"]
                assert token_of(url) not in response.content.decode()
                assert token_of(url) not in response.get("Location", "")

    def test_does_not_show_e_mail_address_or_legal_name(self, newcomer: User) -> None:
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

    def test_the_slug_stays_with_posts_that_link_to_it(self, newcomer: User) -> None:
        PostFactory(author=newcomer)
        choose(make_link(newcomer), display_name="Nightingale")
        newcomer.refresh_from_db()
        assert (newcomer.display_name, newcomer.slug) == ("Nightingale", "rosa-pen")

    def test_others_only_choose_a_password(self, newcomer: User) -> None:
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
        ],
    )
    def test_says_what_is_wrong_and_keeps_the_link(self, newcomer: User, changes: dict[str, str], field: str) -> None:
        UserFactory(username="taken")
        url = make_link(newcomer)
        response = choose(url, **changes)
        assert response.status_code == 200
        assert field in response.context["form"].errors
        assert not User.objects.get(pk=newcomer.pk).has_usable_password()
        assert choose(url).status_code == 302

    def test_a_pen_name_that_the_password_resembles_is_noticed(self, newcomer: User) -> None:
        changes = {"username": "nightingale-1", "password1": "nightingale-12", "password2": "nightingale-12"}
        assert "password2" in choose(make_link(newcomer), **changes).context["form"].errors

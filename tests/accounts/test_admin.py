"""People in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"
PASSWORD = "a-long-enough-password-7"


@pytest.fixture
def owner() -> Client:
    return client_of(UserFactory(username="owner", is_staff=True, is_superuser=True))


@pytest.mark.parametrize("role", ["Author", "Editor", "Moderator", "staff"])
def test_no_role_may_manage_accounts(role: str) -> None:
    user = user_in_role(role)
    client = client_of(user)
    assert user
    for path in (LIST, f"{LIST}add/", f"{LIST}{user.pk}/change/", f"{LIST}{user.pk}/password/", "/admin/auth/group/"):
        assert client.get(path).status_code == 403


def test_a_new_account_has_its_role(owner: Client) -> None:
    author = Group.objects.get(name="Author")
    data = {
        "username": "amina",
        "display_name": "Amina",
        "email": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "groups": author.pk,
    }
    response = owner.post(f"{LIST}add/", data)
    amina = User.objects.get(username="amina")
    assert response.status_code == 302
    assert (amina.display_name, amina.slug, amina.is_staff, amina.is_superuser) == ("Amina", "amina", True, False)
    assert amina.check_password(PASSWORD)
    assert amina.has_perm("blog.add_post")
    assert client_of(amina).get("/admin/blog/post/").status_code == 200


@pytest.mark.parametrize(
    ("before", "after", "may_log_in"),
    [
        ([], ["Author"], True),
        ([], ["Editor", "Moderator"], True),
        ([], ["Translators"], True),
        (["Author"], ["Editor"], True),
        (["Author"], [], False),
        ([], [], False),
        ([], ["owner"], True),
        (["owner"], [], False),
        (["owner"], ["Author"], True),
    ],
)
def test_whoever_has_a_role_can_log_in(owner: Client, before: list[str], after: list[str], may_log_in: bool) -> None:
    Group.objects.create(name="Translators")
    person: User = UserFactory(username="amina", password=PASSWORD, is_superuser="owner" in before)
    person.groups.set(Group.objects.filter(name__in=before))
    data = {
        "username": "amina",
        "slug": "amina",
        "is_active": "on",
        "groups": [group.pk for group in Group.objects.filter(name__in=after)],
        **({"is_superuser": "on"} if "owner" in after else {}),
    }
    assert owner.post(f"{LIST}{person.pk}/change/", data).status_code == 302
    credentials = {"username": "amina", "password": PASSWORD, "next": "/admin/"}
    response = Client().post("/admin/login/", credentials)
    assert (response.status_code == 302) is may_log_in
    assert User.objects.get(pk=person.pk).is_staff is may_log_in


@pytest.mark.parametrize("page", ["add/", "{}/password/"])
def test_the_rules_for_a_password_are_about_the_person_and_not_the_owner(owner: Client, page: str) -> None:
    shown = owner.get(LIST + page.format(UserFactory().pk)).content.decode()
    assert "At least 12 characters" in shown
    assert "Your password" not in shown
    assert "LDAP" not in shown


def test_the_list_names_roles(owner: Client) -> None:
    UserFactory(username="amina", role="Author")
    shown = owner.get(LIST).content.decode()
    assert '<td class="field-roles">Author</td>' in shown
    assert '<td class="field-roles">Owner</td>' in shown


def test_who_wrote_something_is_not_deleted_and_the_page_says_why(owner: Client) -> None:
    author = UserFactory(display_name="Amina")
    PostFactory(author=author, title="First words")
    url = f"{LIST}{author.pk}/delete/"
    shown = owner.get(url).content.decode()
    assert "“Amina” can't be deleted, because it is used here." in " ".join(shown.split())
    assert "First words" in shown
    owner.post(url, {"post": "yes"})
    assert User.objects.filter(pk=author.pk).exists()


def test_a_weak_password_is_refused(owner: Client) -> None:
    data = {"username": "amina", "usable_password": "true", "password1": "short", "password2": "short"}
    assert owner.post(f"{LIST}add/", data).status_code == 200
    assert not User.objects.filter(username="amina").exists()


def test_the_public_profile_can_be_changed(owner: Client) -> None:
    amina = UserFactory(username="amina")
    data = {"username": "amina", "display_name": "Amina K.", "slug": "amina-k", "bio": "Writes.", "is_active": "on"}
    owner.post(f"{LIST}{amina.pk}/change/", data)
    amina.refresh_from_db()
    assert (str(amina), amina.slug, amina.bio) == ("Amina K.", "amina-k", "Writes.")


def test_search_finds_display_names(owner: Client) -> None:
    UserFactory(username="u1", display_name="Hans")
    UserFactory(username="u2", display_name="Amina")
    assert [str(user) for user in owner.get(f"{LIST}?q=amin").context["cl"].result_list] == ["Amina"]


def test_the_list_takes_a_fixed_number_of_queries(owner: Client, django_assert_num_queries: Any) -> None:
    owner.get(LIST)
    for _ in range(2):
        with django_assert_num_queries(9):
            owner.get(LIST)
        UserFactory(role="Author")
        UserFactory(role="Editor")

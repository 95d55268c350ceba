"""Managing people in the admin, which only owners can do."""

import datetime as dt
import re
from threading import Event
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from accounts.models import PasswordLink, User
from accounts.password_links import Kind, make_link
from blog.models import Post
from core.slugs import slugify
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.responses import find, one, read, text
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"


@pytest.fixture
def owner() -> Client:
    return client_of(user_in_role("superuser"))


def person_data(person: User, **changes: Any) -> dict[str, Any]:
    """Return the data that the form of a person submits."""
    fields = ("display_name", "slug", "bio", "username", "first_name", "last_name", "email")
    return {**{name: getattr(person, name) for name in fields}, "role": person.role or "-", **changes}


def texts(response: Any, selector: str) -> list[str]:
    return [text(element) for element in find(read(response), selector)]


def hrefs(response: Any) -> list[str]:
    return [link.get("href") for link in find(read(response), "a")]


class TestAccess:
    @pytest.mark.parametrize("role", ["Author", "Editor", "Moderator", "Reader of drafts", "staff", "with permissions"])
    def test_no_other_role_or_permission_allows_managing_people(self, role: str) -> None:
        user = user_in_role("staff" if role == "with permissions" else role)
        assert user
        if role == "with permissions":
            user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["accounts", "auth"]))
        client = client_of(user)
        other: User = UserFactory(role="Author")
        for pk in (user.pk, other.pk):
            for name in ("change", "link", "help", "offboard", "reactivate", "history", "delete"):
                assert client.get(f"{LIST}{pk}/{name}/").status_code == 403
            assert client.post(f"{LIST}{pk}/change/", person_data(user, role="Owner")).status_code == 403
            assert client.post(f"{LIST}{pk}/link/").status_code == 403
            assert client.post(f"{LIST}{pk}/offboard/", {"confirm": "1"}).status_code == 403
            assert client.post(f"{LIST}{pk}/reactivate/").status_code == 403
        invitation = {"display_name": "New", "email": "", "role": "Owner"}
        assert client.post(f"{LIST}add/", invitation).status_code == 403
        for path in (LIST, f"{LIST}add/", "/admin/auth/group/", "/admin/auth/group/add/"):
            assert client.get(path).status_code == 403
        assert User.objects.filter(is_superuser=True).count() == PasswordLink.objects.count() == 0
        assert User.objects.filter(is_active=False).count() == 0

    @pytest.mark.parametrize("name", ["Owner", "No role", "-", "server"])
    def test_a_group_cannot_have_a_reserved_name(self, owner: Client, name: str) -> None:
        response = owner.post("/admin/auth/group/add/", {"name": name})
        assert texts(response, ".errorlist li") == ["Group with this Name already exists."]
        assert not Group.objects.filter(name=name).exists()

    def test_owners_cannot_delete_people_without_offboarding(self, owner: Client) -> None:
        person = UserFactory()
        assert owner.post(f"{LIST}{person.pk}/delete/", {"post": "yes"}).status_code == 403
        assert owner.post(LIST, {"action": "delete_selected", "_selected_action": person.pk}).status_code in {302, 200}
        assert User.objects.filter(pk=person.pk).exists()

    def test_owners_cannot_set_passwords_of_others(self, owner: Client) -> None:
        assert owner.get(f"{LIST}{UserFactory().pk}/password/", follow=True).status_code in {200, 404}
        assert "password" not in owner.get(f"{LIST}{UserFactory().pk}/change/").context["adminform"].form.fields


class TestInviting:
    def invite(self, owner: Client, **changes: str) -> Any:
        data = {"display_name": "Rosa Pen", "email": "", "role": "Author", **changes}
        return owner.post(f"{LIST}add/", data)

    def test_shows_the_link_without_an_e_mail_address(self, owner: Client, mailoutbox: list[EmailMessage]) -> None:
        response = self.invite(owner)
        person = User.objects.get(display_name="Rosa Pen")
        assert (person.role, person.slug, person.username, person.is_staff) == ("Author", "rosa-pen", "rosa-pen", True)
        assert not person.has_usable_password()
        link = one(read(response), "#setup-link").get("value", "")
        assert re.fullmatch(r"http://[a-z.:0-9]+/admin/password/set/[\w-]{43}/", link)
        assert "no-store" in response["Cache-Control"]
        assert Client().get(link).status_code == 200
        assert not mailoutbox

    def test_sends_the_link(self, owner: Client, mailoutbox: list[EmailMessage]) -> None:
        response = self.invite(owner, email="rosa@example.org")
        assert not find(read(response), "#setup-link")
        assert "/admin/password/set/" not in response.text
        (email,) = mailoutbox
        assert email.to == ["rosa@example.org"]
        assert "Your invitation" in email.subject
        (link,) = re.findall(r"http://\S+", str(email.body))
        assert Client().get(link).status_code == 200

    def test_shows_the_link_if_it_cannot_be_sent(self, owner: Client, settings: Any) -> None:
        settings.MAILERS = {}
        response = self.invite(owner, email="rosa@example.org")
        assert "The e-mail could not be sent." in response.text
        assert Client().get(one(read(response), "#setup-link").get("value", "")).status_code == 200

    def test_shows_the_link_if_the_server_is_down(
        self, owner: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*args: Any) -> None:
            raise ConnectionRefusedError("rosa@example.org")

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
        response = self.invite(owner, email="rosa@example.org")
        assert find(read(response), "#setup-link")
        assert "rosa" not in caplog.text

    def test_each_role_can_be_chosen_and_says_what_it_allows(self, owner: Client) -> None:
        Group.objects.create(name="Translators")
        choices = texts(owner.get(f"{LIST}add/"), "#id_role label")
        names = ["Owner", "Editor", "Author", "Moderator", "Reader of drafts", "Translators"]
        assert [choice.startswith(f"{name} Can ") for name, choice in zip(names, choices, strict=True)] == [True] * 6

    @pytest.mark.parametrize(
        ("changes", "field"),
        [({"role": ""}, "role"), ({"role": "Pope"}, "role"), ({"role": "-"}, "role"), ({"display_name": " "}, "name")],
    )
    def test_needs_a_name_and_a_role(self, owner: Client, changes: dict[str, str], field: str) -> None:
        response = self.invite(owner, **changes)
        assert any(field in name for name in response.context["form"].errors)
        assert User.objects.count() == 1

    def test_an_email_address_cannot_be_invited_twice(self, owner: Client) -> None:
        UserFactory(email="Rosa@example.org")
        response = self.invite(owner, email="rosa@example.org")
        assert "with this e-mail address already exists" in response.text
        assert User.objects.count() == 2

    def test_the_same_name_gets_another_username(self, owner: Client) -> None:
        for _ in range(2):
            self.invite(owner)
        assert set(User.objects.values_list("username", flat=True)) >= {"rosa-pen", "rosa-pen-2"}

    @pytest.mark.django_db(transaction=True)
    def test_a_double_click_invites_once(self, owner: Client, at_once: AtOnce, mailoutbox: list[EmailMessage]) -> None:
        responses = at_once(*[lambda: self.invite(owner, email="rosa@example.org")] * 3)
        assert [response.status_code for response in responses] == [200] * 3
        assert User.objects.filter(email="rosa@example.org").count() == 1
        assert len(mailoutbox) == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_second_click_while_the_username_is_chosen_invites_no_one(
        self, owner: Client, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_choosing, has_ended = Event(), Event()

        def choose(name: str) -> str:
            if not is_choosing.is_set():
                is_choosing.set()
                # The second click waits for this transaction.
                assert not has_ended.wait(0.3)
            return slugify(name)

        def click_again() -> Any:
            is_choosing.wait()
            response = self.invite(owner, email="rosa@example.org")
            has_ended.set()
            return response

        monkeypatch.setattr("accounts.people.slugify", choose)
        _first, second = at_once(lambda: self.invite(owner, email="rosa@example.org"), click_again)
        assert "with this e-mail address already exists" in second.text
        assert User.objects.filter(email="rosa@example.org").count() == 1

    def test_an_imported_author_is_invited_in_the_same_way(self, owner: Client) -> None:
        person: User = UserFactory(display_name="Imported", email="old@example.org")
        PostFactory(author=person)
        page = owner.get(f"{LIST}{person.pk}/change/")
        assert "Send invitation…" in page.text
        form = owner.get(f"{LIST}{person.pk}/link/").context["form"]
        assert form.initial == {"display_name": "Imported", "email": "old@example.org", "role": ""}
        without_role = {"display_name": "Imported", "email": ""}
        assert "role" in owner.post(f"{LIST}{person.pk}/link/", without_role).context["form"].errors
        response = owner.post(f"{LIST}{person.pk}/link/", {**without_role, "role": "Author"})
        person.refresh_from_db()
        assert (person.role, person.email, person.slug) == ("Author", "", person.username)
        assert Client().get(one(read(response), "#setup-link").get("value", "")).status_code == 200
        assert User.objects.count() == 2

    def test_an_invitation_can_be_sent_again_to_another_address(
        self, owner: Client, mailoutbox: list[EmailMessage]
    ) -> None:
        self.invite(owner, email="roza@example.org")
        rosa = User.objects.get(display_name="Rosa Pen")
        UserFactory(email="taken@example.org")
        again = {"display_name": "Rosa Pen", "role": "Author"}
        for email, is_possible in (("taken@example.org", False), ("rosa@example.org", True)):
            response = owner.post(f"{LIST}{rosa.pk}/link/", {**again, "email": email})
            assert ("with this e-mail address already exists" not in response.text) is is_possible
        assert [email.to for email in mailoutbox] == [["roza@example.org"], ["rosa@example.org"]]
        old, new = (re.findall(r"http://\S+", str(email.body))[0] for email in mailoutbox)
        assert [Client().get(url).status_code for url in (old, new)] == [410, 200]

    def test_names_cannot_reverse_the_text_around_them(self, owner: Client) -> None:
        self.invite(owner, display_name="\u202eRosa\x00\nBcc: all@example.org\u2066\u200f")
        person = User.objects.order_by("pk").last()
        assert person
        assert person.display_name == "Rosa Bcc: all@example.org\u200f"
        # A name that has only such characters is empty.
        assert "display_name" in self.invite(owner, display_name="\u202e\u2069 ").context["form"].errors
        data = person_data(person, display_name="Ro\u202dsa")
        assert owner.post(f"{LIST}{person.pk}/change/", data).status_code == 302
        person.refresh_from_db()
        assert person.display_name == "Rosa"


class TestChanging:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "Author"),
            ("", "Translators"),
            ("", "Owner"),
            ("", ""),
            ("Author", "Editor"),
            ("Author", ""),
            ("Owner", "Reader of drafts"),
            ("Owner", ""),
            ("Translators", "Moderator"),
        ],
    )
    def test_only_users_with_a_role_can_log_in(self, owner: Client, before: str, after: str) -> None:
        Group.objects.create(name="Translators")
        person: User = UserFactory(password="a-long-enough-password-7", is_superuser=before == "Owner")
        person.groups.set(Group.objects.filter(name=before))
        assert owner.post(f"{LIST}{person.pk}/change/", person_data(person, role=after or "-")).status_code == 302
        stored = User.objects.get(pk=person.pk)
        assert (stored.role, stored.is_staff) == (after, bool(after))
        credentials = {"username": person.username, "password": "a-long-enough-password-7", "next": "/admin/"}
        assert (Client().post("/admin/login/", credentials).status_code == 302) is bool(after)

    def test_a_form_without_a_role_leaves_the_role_unchanged(self, owner: Client) -> None:
        person = UserFactory(role="Author")
        data = person_data(person)
        del data["role"]
        response = owner.post(f"{LIST}{person.pk}/change/", data)
        assert "role" in response.context["adminform"].form.errors
        assert User.objects.get(pk=person.pk).role == "Author"

    def test_the_public_profile_can_be_changed(self, owner: Client) -> None:
        amina = UserFactory(username="amina")
        data = person_data(amina, display_name="Amina K.", slug="amina-k", bio="Writes.")
        owner.post(f"{LIST}{amina.pk}/change/", data)
        amina.refresh_from_db()
        assert (str(amina), amina.slug, amina.bio) == ("Amina K.", "amina-k", "Writes.")

    def test_leads_to_the_page_of_a_person_only_if_readers_see_it(self, owner: Client) -> None:
        author: User = UserFactory(role="Author")
        post = PostFactory(author=author, status="draft")
        form = f"{LIST}{author.pk}/change/"
        for status, has_page in (("draft", False), ("private", False), ("published", True)):
            Post.objects.filter(pk=post.pk).update(status=status)
            assert (Client().get(author.get_absolute_url()).status_code == 200) is has_page
            saved = owner.post(form, person_data(author) | {"_continue": "1"}, follow=True)
            for page in (owner.get(form), saved):
                assert (author.get_absolute_url() in hrefs(page)) is has_page

    def test_no_one_gets_the_email_address_of_someone_else(self, owner: Client) -> None:
        UserFactory(email="amina@example.org")
        rosa = UserFactory()
        response = owner.post(f"{LIST}{rosa.pk}/change/", person_data(rosa, email="Amina@example.org"))
        assert "email" in response.context["adminform"].form.errors
        # As an import leaves them.
        User.objects.filter(pk=rosa.pk).update(email="amina@example.org")
        rosa.refresh_from_db()
        assert owner.post(f"{LIST}{rosa.pk}/change/", person_data(rosa, bio="Writes.")).status_code == 302

    def test_the_last_owner_keeps_the_role(self, owner: Client) -> None:
        last = User.objects.get(is_superuser=True)
        UserFactory(is_superuser=True, is_active=False)
        response = owner.post(f"{LIST}{last.pk}/change/", person_data(last, role="Editor"))
        assert "This is the only owner who can log in." in response.text
        assert User.objects.get(pk=last.pk).role == "Owner"
        invited: User = UserFactory(is_superuser=True)
        owner.post(f"{LIST}{last.pk}/change/", person_data(last, role="Editor"))
        assert User.objects.get(pk=last.pk).role == "Owner"
        invited.set_password(PASSWORD)
        invited.save()
        owner.post(f"{LIST}{last.pk}/change/", person_data(last, role="Editor"))
        assert User.objects.get(pk=last.pk).role == "Editor"


class TestList:
    def test_shows_the_role_and_state_of_each_account(self, owner: Client) -> None:
        UserFactory(display_name="Amina", role="Author", password="x" * 12)
        UserFactory(display_name="Bo", role="Author")
        for name, days in (("Dina", 1), ("Ezra", -1)):
            make_link(UserFactory(display_name=name, role="Author"), Kind.GIVEN)
            ends_at = timezone.now() + dt.timedelta(days=days)
            PasswordLink.objects.filter(person__display_name=name).update(expires_at=ends_at)
        Authenticator.objects.create(user=UserFactory(display_name="Fay", role="Author"), type="webauthn", data={})
        UserFactory(display_name="Cem", is_active=False)
        page = owner.get(LIST)
        assert texts(page, "th.column-email_cell .text") == ["E-mail address"]
        assert sorted(texts(page, "td.field-role_cell")) == [*["Author"] * 5, "No role", "Owner"]
        states = dict(zip(texts(page, "th.field-name_cell"), texts(page, "td.field-state_cell"), strict=True))
        assert states["Amina"] == "Active"
        assert states["Bo"] == "Not invited yet"
        assert states["Cem"] == "Deactivated"
        assert states["Dina"] == "Invited"
        assert states["Ezra"] == "The invitation has expired"
        # With a passkey, and without a password.
        assert states["Fay"] == "Active"

    def test_can_be_filtered_by_role(self, owner: Client) -> None:
        Group.objects.create(name="Translators")
        for role in ("Author", "Reader of drafts", "Translators"):
            UserFactory(display_name=role, role=role)
        UserFactory(display_name="-")
        for role in ("Author", "Reader of drafts", "Translators", "-"):
            assert [str(each) for each in owner.get(LIST, {"role": role}).context["cl"].result_list] == [role]
        assert [each.role for each in owner.get(LIST, {"role": "Owner"}).context["cl"].result_list] == ["Owner"]

    def test_cannot_be_filtered_by_password(self, owner: Client) -> None:
        beginning = UserFactory(password=PASSWORD).password[:20]
        for lookup in ("password", "password__startswith", "password__gt"):
            assert owner.get(LIST, {lookup: beginning}).status_code == 400

    def test_search_finds_display_names(self, owner: Client) -> None:
        UserFactory(username="u1", display_name="Hans")
        UserFactory(username="u2", display_name="Amina")
        assert [str(user) for user in owner.get(f"{LIST}?q=amin").context["cl"].result_list] == ["Amina"]

    def test_takes_a_fixed_number_of_queries(self, owner: Client, django_assert_num_queries: Any) -> None:
        owner.get(LIST)
        for _ in range(2):
            with django_assert_num_queries(9):
                owner.get(LIST)
            UserFactory(role="Author")
            UserFactory(role="Editor")

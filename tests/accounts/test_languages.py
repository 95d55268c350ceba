"""The language in which staff use the admin."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from accounts.actions import Action
from accounts.audit import recording
from accounts.models import AuditRecord, User
from accounts.password_links import Kind
from accounts.people import give_role
from accounts.policies import default_policy
from accounts.roles import LABELS, OWNER, ROLES, permission_label, role_label
from core.models import SiteSettings
from mail import password_links
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client) -> User:
    user: User = UserFactory(role="Editor")
    client.force_login(user)
    return user


def heading(client: Client, path: str = "/admin/blog/post/") -> str:
    page = client.get(path).content.decode()
    return page[page.index("<html") : page.index(">", page.index("<html"))]


class TestChoosing:
    def test_the_admin_is_in_the_language_of_the_site_by_default(
        self, client: Client, editor: User, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "uk"
        assert 'lang="uk"' in heading(client)

    def test_the_admin_is_in_the_language_that_the_user_has_chosen(self, client: Client, editor: User) -> None:
        response = client.post(reverse("account_language"), {"language": "ar"}, follow=True)
        assert 'lang="ar"' in heading(client)
        assert 'dir="rtl"' in heading(client)
        assert "The admin is now in this language" not in response.content.decode()

    @pytest.mark.parametrize("language", ["xx", "de", "../ar"])
    def test_unknown_languages_are_refused(self, client: Client, editor: User, language: str) -> None:
        client.post(reverse("account_language"), {"language": language})
        editor.refresh_from_db()
        assert editor.language == ""

    def test_changes_nothing_that_readers_see(self, client: Client, editor: User) -> None:
        before = SiteSettings.current().entries_version
        client.post(reverse("account_language"), {"language": "fr"})
        assert SiteSettings.current().entries_version == before

    def test_requires_logging_in(self, client: Client) -> None:
        assert client.post(reverse("account_language"), {"language": "fr"}).status_code == 302


class TestPublicPages:
    def test_stay_in_their_own_language(self, client: Client, editor: User) -> None:
        User.objects.filter(pk=editor.pk).update(language="fr")
        PostFactory(language="en")
        assert 'lang="en"' in heading(client, "/")

    def test_the_next_request_of_another_visitor_is_not_affected(self, client: Client, editor: User) -> None:
        User.objects.filter(pk=editor.pk).update(language="fr")
        assert 'lang="fr"' in heading(client)
        assert 'lang="en"' in heading(Client(), "/admin/login/")


def test_an_email_with_a_link_is_in_the_language_of_its_recipient() -> None:
    person = UserFactory(role="Editor", email="zoe@example.org", language="fr")
    assert password_links.send(person, "https://example.org/x", Kind.REQUESTED)
    (email,) = mail.outbox
    assert "Choose a new password" not in email.subject
    assert "https://example.org/x" in email.body


class TestNamesOfRoles:
    """Names of roles are stored in English, and shown to each user in their language."""

    @pytest.fixture
    def owner(self) -> Client:
        user = user_in_role("superuser")
        assert user
        User.objects.filter(pk=user.pk).update(language="fr")
        return client_of(user)

    def french(self, name: str) -> str:
        with translation.override("fr"):
            return str(LABELS[name])

    def test_are_translated_in_the_list_of_groups_unlike_custom_groups(self, owner: Client) -> None:
        Group.objects.create(name="Translators")
        names = {text(cell) for cell in find(read(owner.get("/admin/auth/group/")), "th.field-__str__")}
        assert names == {"Translators", *map(self.french, ROLES)}

    @pytest.mark.parametrize("page", ["change", "history"])
    def test_are_translated_on_the_pages_of_a_group(self, owner: Client, page: str) -> None:
        group = Group.objects.get(name="Moderator")
        shown = text(one(read(owner.get(f"/admin/auth/group/{group.pk}/{page}/")), "#main"))
        assert self.french("Moderator") in shown
        assert "Moderator" not in shown

    def test_of_custom_groups_can_be_changed(self, owner: Client) -> None:
        group = Group.objects.create(name="Translators")
        owner.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Interpreters"})
        group.refresh_from_db()
        assert (group.name, str(group)) == ("Interpreters", "Interpreters")

    def test_are_translated_in_lists_and_forms_of_people(self, owner: Client) -> None:
        person = UserFactory(role="Author")
        for path in ("/admin/accounts/user/", "/admin/accounts/user/add/", f"/admin/accounts/user/{person.pk}/change/"):
            shown = owner.get(path).text
            assert self.french("Author") in shown, path
        assert self.french("Author") in owner.get("/admin/login-rules/").text

    def test_are_translated_in_the_audit_log_for_its_reader(self, owner: Client) -> None:
        person = UserFactory(role="")
        with translation.override("ru"):
            give_role(person, "Author")
            give_role(person, OWNER)
        with translation.override("fr"):
            changes = AuditRecord.objects.filter(action=Action.ROLE_CHANGED).order_by("pk")
            given, made_owner = (record.text for record in changes)
            assert given.endswith(f"{role_label('No role')} → {self.french('Author')}")
            assert made_owner.endswith(f"{self.french('Author')} → {self.french(OWNER)}")
            assert role_label("No role") != "No role"

    def test_are_translated_as_names_of_groups_and_rules_in_the_audit_log(self, owner: Client) -> None:
        recording.record(Action.CHANGED, [Group.objects.get(name="Editor")], by=User.objects.get(is_superuser=True))
        record = AuditRecord.objects.get(kind="auth.group")
        record.people = {}
        assert record.title == "Editor"
        with translation.override("fr"):
            assert record.what == self.french("Editor")
            assert str(default_policy("Editor")) == self.french("Editor")


class TestNamesOfPermissions:
    def test_are_in_the_language_of_the_user(self) -> None:
        by_name = {each.codename: each for each in Permission.objects.select_related("content_type")}
        assert permission_label(by_name["add_post"]) == "Blog | post | add"
        assert permission_label(by_name["publish_post"]) == "Blog | post | Can publish posts"
        with translation.override("fr"):
            labels = [permission_label(by_name[name]) for name in ("add_post", "publish_post", "erase_commenter")]
        assert labels[0].startswith("Blog | article | ")
        assert not [label for label in labels if "Can" in label]

    def test_of_models_that_no_longer_exist_are_not_translated(self) -> None:
        permission = Permission.objects.select_related("content_type").get(codename="add_post")
        permission.content_type.model = "gone"
        assert "Can add post" in permission_label(permission)

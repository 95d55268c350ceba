"""The permissions of the roles, and the names and slugs of users."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.test import Client
from lxml.html import HtmlElement

from accounts.forms import NamesForm
from accounts.models import User
from accounts.people import add_person, give_role
from accounts.roles import (
    EDITOR,
    ROLES,
    Ability,
    abilities,
    abilities_with,
    describe,
    describe_owner,
    grant_roles,
    permission_names,
    permissions_of,
)
from tests.factories import PASSWORD, UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

MODERATION = {
    *("comments.change_comment", "comments.moderate_comment", "comments.view_comment"),
    *("comments.add_block", "comments.change_block", "comments.delete_block", "comments.view_block"),
}
PERMISSIONS = {
    "Author": {
        *("blog.add_post", "blog.change_post", "blog.view_post", "blog.view_category"),
        *("media.add_document", "media.add_picture", "media.view_document", "media.view_picture"),
        *("tags.add_tag", "tags.view_tag"),
    },
    "Editor": {
        *(f"blog.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("post", "page", "category")),
        *("blog.publish_post", "blog.edit_others_post"),
        *("blog.add_redirect", "blog.delete_redirect", "blog.view_redirect"),
        *(f"media.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("picture", "document")),
        *(f"tags.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("tag", "tagalias")),
        *MODERATION,
        *("comments.erase_commenter", "newsletter.view_issue", "readers.view_entrycount"),
        *("wordpress.change_reusableblock", "wordpress.view_reusableblock"),
    },
    "Moderator": MODERATION,
    "Reader of drafts": {"blog.view_post", "blog.view_others_post", "blog.view_page"},
}


@pytest.mark.parametrize("role", PERMISSIONS)
def test_each_role_has_exactly_its_permissions(role: str) -> None:
    assert UserFactory(role=role).get_all_permissions() == PERMISSIONS[role]


def test_migrating_resets_a_role_to_its_permissions() -> None:
    moderators = Group.objects.get(name="Moderator")
    moderators.permissions.set(Permission.objects.filter(codename__in=["delete_post", "delete_comment"]))
    for app in ("blog", "comments"):
        grant_roles(apps.get_app_config(app), using="default")
    held = moderators.permissions.values_list("content_type__app_label", "codename")
    assert {f"{app}.{codename}" for app, codename in held} == MODERATION


def test_other_groups_are_left_alone() -> None:
    group = Group.objects.create(name="Translators")
    group.permissions.set(Permission.objects.filter(codename="change_post"))
    grant_roles(apps.get_app_config("blog"), using="default")
    assert group.permissions.count() == 1


def test_roles_that_another_migration_creates_at_the_same_time_keep_all_permissions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Group.objects.filter(name__in=ROLES).delete()
    create = QuerySet.get_or_create

    def create_after_the_other(self: Any, **fields: Any) -> Any:
        monkeypatch.undo()
        for app in apps.get_app_configs():
            grant_roles(app, using="default")
        return create(self, **fields)

    monkeypatch.setattr(QuerySet, "get_or_create", create_after_the_other)
    grant_roles(apps.get_app_config("tags"), using="default")
    held = {role: Group.objects.get(name=role).permissions.select_related("content_type") for role in ROLES}
    assert {role: permission_names(each) for role, each in held.items()} == PERMISSIONS


class TestGroups:
    """Owners define further roles by what they allow, in the language of the sentences about roles."""

    @pytest.fixture
    def owner(self) -> Client:
        return client_of(UserFactory(is_staff=True, is_superuser=True))

    def url(self, name: str, page: str = "change") -> str:
        return f"/admin/auth/group/{Group.objects.get(name=name).pk}/{page}/"

    def permissions(self, name: str) -> set[str]:
        return permission_names(Group.objects.get(name=name).permissions.select_related("content_type"))

    def choices(self, page: HtmlElement) -> dict[str, bool]:
        labels = find(page, ".field-granted label[for*=_granted_]")
        return {text(label): "checked" in one(label, "input").attrib for label in labels}

    def test_get_exactly_the_permissions_of_the_chosen_abilities(self, owner: Client) -> None:
        chosen = ["tags.managing", "blog.redirects"]
        owner.post("/admin/auth/group/add/", {"name": "Librarians", "granted": chosen})
        granted = {permission for name in chosen for permission in abilities[name].permissions}
        assert self.permissions("Librarians") == granted
        choices = self.choices(read(owner.get(self.url("Librarians"))))
        assert {label for label, is_chosen in choices.items() if is_chosen} == {
            "Add tags",
            "Manage tags",
            "Manage redirects",
        }
        owner.post(self.url("Librarians"), {"name": "Librarians", "granted": ["blog.redirects"]})
        assert self.permissions("Librarians") == abilities["blog.redirects"].permissions

    def test_are_offered_everything_but_managing_people(self, owner: Client) -> None:
        choices = self.choices(read(owner.get("/admin/auth/group/add/")))
        assert len(choices) == len(abilities) - 1
        assert "Moderate comments and manage the blocklist" in choices
        assert "Manage people" not in choices

    def test_have_a_form_whose_descriptions_screen_readers_find(self, owner: Client) -> None:
        page = read(owner.get("/admin/auth/group/add/"))
        described_by = {name for names in page.xpath("//@aria-describedby") for name in names.split()}
        assert described_by <= set(page.xpath("//@id"))

    def test_keep_other_permissions_until_these_are_taken_away(self, owner: Client) -> None:
        group = Group.objects.create(name="Translators")
        ours = Permission.objects.filter(content_type__app_label__in=["blog", "tags"])
        group.permissions.set(ours.filter(codename__in=["change_post", "view_tag", "add_tag"]))
        choices = self.choices(read(owner.get(self.url("Translators"))))
        assert [label for label, is_chosen in choices.items() if is_chosen] == ["Add tags", "Blog | post | change"]
        owner.post(self.url("Translators"), {"name": "Interpreters", "granted": ["tags.adding", "blog.change_post"]})
        assert self.permissions("Interpreters") == {"blog.change_post", "tags.add_tag", "tags.view_tag"}
        owner.post(self.url("Interpreters"), {"name": "Interpreters", "granted": ["tags.adding"]})
        assert self.permissions("Interpreters") == {"tags.add_tag", "tags.view_tag"}

    @pytest.mark.parametrize("chosen", ["accounts.people", "blog.add_post", "no.such"])
    def test_cannot_get_anything_that_was_not_offered(self, owner: Client, chosen: str) -> None:
        response = owner.post("/admin/auth/group/add/", {"name": "Other", "granted": [chosen]})
        assert "granted" in response.context["adminform"].errors
        assert not Group.objects.filter(name="Other").exists()

    @pytest.mark.parametrize("role", ROLES)
    def test_of_ours_are_described_and_cannot_be_changed_or_deleted(self, owner: Client, role: str) -> None:
        page = read(owner.get(self.url(role)))
        assert text(one(page, ".field-allowed .readonly")) == describe(permissions_of(role))
        assert find(page, "[type=submit][name=_save], .deletelink") == []
        data = {"name": "Other", "granted": ["blog.entries"]}
        assert owner.post(self.url(role), data).status_code == 403
        assert owner.post(self.url(role, "delete"), {"post": "yes"}).status_code == 403
        group = Group.objects.get(name=role)
        owner.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": group.pk, "post": "yes"})
        assert self.permissions(role) == permissions_of(role)


class TestLoggingIn:
    """Users can log in as long as they have a role, however it was given or taken away."""

    @staticmethod
    def give(user: User, group: Group) -> None:
        user.groups.add(group)

    @staticmethod
    def give_and_save(user: User, group: Group) -> None:
        user.groups.set([group])
        user.save()

    @staticmethod
    def give_through_the_group(user: User, group: Group) -> None:
        group.user_set.add(user)

    @staticmethod
    def take(user: User, group: Group) -> None:
        user.groups.remove(group)

    @staticmethod
    def take_all_and_save(user: User, group: Group) -> None:
        user.groups.clear()
        user.save()

    @staticmethod
    def take_through_the_group(user: User, group: Group) -> None:
        group.user_set.remove(user)

    @staticmethod
    def empty_the_group(user: User, group: Group) -> None:
        group.user_set.clear()

    @staticmethod
    def delete_the_group(user: User, group: Group) -> None:
        group.delete()

    @pytest.mark.parametrize("give", [give, give_and_save, give_through_the_group])
    @pytest.mark.parametrize(
        "take", [take, take_all_and_save, take_through_the_group, empty_the_group, delete_the_group]
    )
    def test_depends_on_having_a_role(self, give: Any, take: Any) -> None:
        user, group = User.objects.create_user("amina"), Group.objects.get(name="Author")
        assert not User.objects.get(pk=user.pk).is_staff
        give(user, group)
        assert User.objects.get(pk=user.pk).is_staff
        take(user, group)
        assert not User.objects.get(pk=user.pk).is_staff

    def test_stays_possible_with_another_role_and_for_owners(self) -> None:
        author = Group.objects.get(name="Author")
        both: User = UserFactory(role="Editor")
        owner: User = UserFactory(is_staff=True, is_superuser=True)
        for user in (both, owner):
            user.groups.add(author)
            user.groups.remove(author)
            assert User.objects.get(pk=user.pk).is_staff


def _ability(app: str, codenames: set[str], *roles: str) -> Ability:
    permissions = frozenset(f"{app}.{codename}" for codename in codenames)
    return Ability(phrase="x", permissions=permissions, order=1, roles=frozenset(roles))


class TestCheck:
    @pytest.mark.parametrize(
        ("app", "permissions", "problems"),
        [
            ("blog", {EDITOR: {"add_post", "publish_post"}}, []),
            ("blog", {EDITOR: {"add_tag", "fly"}}, ["no permission 'add_tag'", "no permission 'fly'"]),
            ("blog", {"Pope": {"add_post"}}, ["no role 'Pope'"]),
            ("block", {EDITOR: {"add_post"}}, ["no such app"]),
        ],
    )
    def test_finds_apps_roles_and_permissions_that_do_not_exist(
        self, app: str, permissions: dict[str, set[str]], problems: list[str]
    ) -> None:
        found = [
            problem
            for role, codenames in permissions.items()
            for problem in abilities.find_problems(f"{app}.x", _ability(app, codenames, role))
        ]
        assert len(found) == len(problems)
        assert all(problem in text for problem, text in zip(problems, found, strict=True))

    def test_takes_no_queries(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            problems = [list(abilities.find_problems(*item)) for item in abilities.items()]
        assert not any(problems)


class TestLookingUp:
    def test_the_users_own_permissions_and_those_of_all_roles_take_one_query(
        self, django_assert_num_queries: Any
    ) -> None:
        user = UserFactory(role="Moderator")
        user.groups.add(Group.objects.get(name="Author"))
        user.user_permissions.add(*Permission.objects.filter(codename__in=["change_sitesettings", "view_comment"]))
        with django_assert_num_queries(1):
            permissions = user.get_all_permissions()
        expected = PERMISSIONS["Moderator"] | PERMISSIONS["Author"] | {"core.change_sitesettings"}
        assert permissions == expected
        with django_assert_num_queries(0):
            assert all(user.has_perm(name) for name in expected)
            assert not user.has_perm("blog.publish_post")

    def test_inactive_users_have_no_permissions_and_owners_have_all(self) -> None:
        user, owner = UserFactory(role="Editor"), UserFactory(is_superuser=True)
        user.is_active = False
        assert (user.get_all_permissions(), user.has_perm("blog.add_post")) == (set(), False)
        assert len(owner.get_all_permissions()) == Permission.objects.count()
        owner.is_active = False
        assert (owner.get_all_permissions(), owner.has_perm("blog.add_post")) == (set(), False)

    def test_there_are_no_object_permissions(self) -> None:
        user = UserFactory(role="Editor")
        assert user.get_all_permissions(user) == set()


class TestNames:
    def test_readers_see_the_display_name_and_never_the_username(self) -> None:
        assert str(UserFactory(username="hans", display_name="Hans T.")) == "Hans T."
        nameless = UserFactory(username="ana", display_name="")
        assert str(nameless) == f"Author {nameless.pk}"

    def test_the_slug_is_made_from_the_display_name_once(self) -> None:
        user = UserFactory(username="secret", display_name="José P.", slug="")
        assert user.slug == "jose-p"
        user.display_name = "Other"
        user.save()
        assert user.slug == "jose-p"

    def test_the_slug_of_a_user_without_a_display_name_is_generic(self) -> None:
        assert UserFactory(username="secret", display_name="", slug="").slug == "author"

    def test_a_taken_slug_gets_the_next_number(self) -> None:
        assert [UserFactory(display_name=name, slug="").slug for name in ("jose", "josé")] == ["jose", "jose-2"]

    @pytest.mark.parametrize("name", ["Rosa Pen", "अमीना", "สมชาย", "مُحَمَّد", "می\u200cخواهم", "🎉"])
    def test_the_username_of_a_new_person_is_valid(self, name: str) -> None:
        person = add_person({"display_name": name, "email": ""}, "Author")
        assert not NamesForm({"display_name": name, "username": person.username}, instance=person).errors


class TestDescriptions:
    """The sentence that describes a role is made from its permissions."""

    @pytest.mark.parametrize("role", PERMISSIONS)
    def test_the_sentence_covers_every_permission(self, role: str) -> None:
        described = abilities_with(permissions_of(role))
        assert {permission for ability in described for permission in ability.permissions} == PERMISSIONS[role]
        assert all(str(ability.phrase) in describe(permissions_of(role)) for ability in described)

    def test_the_sentence_changes_with_the_permissions(self) -> None:
        assert describe(MODERATION) == "Can moderate comments and manage the blocklist."
        both = describe(MODERATION | PERMISSIONS["Author"])
        assert both.startswith("Can write their own drafts and submit them for review, ")
        assert both.endswith(" and moderate comments and manage the blocklist.")
        assert describe({"blog.add_post"}) == "Can use other permissions of this group."
        assert describe(set()) == "Can log in, but nothing else."

    def test_owners_can_do_more_than_anyone_else(self) -> None:
        sentence = describe_owner()
        for phrase in ("manage people", "change site settings", "import and export the site"):
            assert phrase in sentence
            assert not any(phrase in describe(permissions_of(role)) for role in ROLES)

    @pytest.mark.parametrize(
        ("name", "codenames", "problem"),
        [
            ("blog.x", {"add_post"}, ""),
            ("blog.x", {"fly"}, "no permission 'fly'"),
            ("block.x", {"add_post"}, "no such app"),
        ],
    )
    def test_the_check_finds_permissions_that_do_not_exist(self, name: str, codenames: set[str], problem: str) -> None:
        found = list(abilities.find_problems(name, _ability(name.partition(".")[0], codenames)))
        assert [problem in text for text in found] == ([True] if problem else [])


class TestRole:
    @pytest.mark.parametrize("role", ["", "Owner", *ROLES, "Translators"])
    def test_replaces_any_earlier_one(self, role: str) -> None:
        Group.objects.create(name="Translators")
        person: User = UserFactory(role="Moderator")
        UserFactory(is_superuser=True)
        give_role(person, role)
        stored = User.objects.get(pk=person.pk)
        assert (stored.role, stored.is_staff, stored.is_superuser) == (role, bool(role), role == "Owner")
        assert (person.role, person.is_staff, person.is_superuser) == (role, bool(role), role == "Owner")
        assert stored.groups.count() == (role not in ("", "Owner"))

    def test_of_an_owner_can_become_that_of_a_group_they_are_already_in(self) -> None:
        UserFactory(is_superuser=True, password=PASSWORD)
        person: User = UserFactory(role="Editor")
        User.objects.filter(pk=person.pk).update(is_superuser=True)
        person = User.objects.get(pk=person.pk)
        give_role(person, "Editor")
        stored = User.objects.get(pk=person.pk)
        assert (stored.role, stored.is_staff, person.is_staff) == ("Editor", True, True)

    def test_ends_sessions_only_if_it_changes(self) -> None:
        person, other = UserFactory(role="Author"), UserFactory(role="Author")
        clients = [client_of(person), client_of(other)]
        give_role(person, "Author")
        assert [client.get("/admin/blog/post/").status_code for client in clients] == [200, 200]
        give_role(person, "Editor")
        assert [client.get("/admin/blog/post/").status_code for client in clients] == [302, 200]

"""The permissions of the three roles, and the names and slugs of people."""

from collections.abc import Collection
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from accounts.models import User
from accounts.roles import EDITOR, grant_roles, role_permissions
from tests.factories import UserFactory

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
        "comments.erase_commenter",
        *("wordpress.change_reusableblock", "wordpress.view_reusableblock"),
    },
    "Moderator": MODERATION,
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


class TestLoggingIn:
    """Whoever has a role can log in, however they got it, and loses that with the last role."""

    @staticmethod
    def give(user: User, group: Group) -> None:
        user.groups.add(group)

    @staticmethod
    def give_and_save(user: User, group: Group) -> None:
        user.groups.set([group])
        user.save()

    @staticmethod
    def give_from_the_other_side(user: User, group: Group) -> None:
        group.user_set.add(user)

    @staticmethod
    def take(user: User, group: Group) -> None:
        user.groups.remove(group)

    @staticmethod
    def take_all_and_save(user: User, group: Group) -> None:
        user.groups.clear()
        user.save()

    @staticmethod
    def take_from_the_other_side(user: User, group: Group) -> None:
        group.user_set.remove(user)

    @staticmethod
    def empty_the_group(user: User, group: Group) -> None:
        group.user_set.clear()

    @pytest.mark.parametrize("give", [give, give_and_save, give_from_the_other_side])
    @pytest.mark.parametrize("take", [take, take_all_and_save, take_from_the_other_side, empty_the_group])
    def test_follows_the_roles(self, give: Any, take: Any) -> None:
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
        self, app: str, permissions: dict[str, Collection[str]], problems: list[str]
    ) -> None:
        found = list(role_permissions.find_problems(app, permissions))
        assert len(found) == len(problems)
        assert all(problem in text for problem, text in zip(problems, found, strict=True))

    def test_takes_no_queries(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            problems = [list(role_permissions.find_problems(*item)) for item in role_permissions.items()]
        assert not any(problems)


class TestLookingUp:
    def test_own_permissions_and_those_of_all_roles_take_one_query(self, django_assert_num_queries: Any) -> None:
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

    def test_whoever_is_inactive_may_do_nothing_and_owners_everything(self) -> None:
        user, owner = UserFactory(role="Editor"), UserFactory(is_superuser=True)
        user.is_active = False
        assert (user.get_all_permissions(), user.has_perm("blog.add_post")) == (set(), False)
        assert len(owner.get_all_permissions()) == Permission.objects.count()
        owner.is_active = False
        assert (owner.get_all_permissions(), owner.has_perm("blog.add_post")) == (set(), False)

    def test_there_are_no_permissions_for_single_objects(self) -> None:
        user = UserFactory(role="Editor")
        assert user.get_all_permissions(user) == set()


class TestNames:
    def test_readers_see_the_display_name_or_else_the_username(self) -> None:
        assert str(UserFactory(username="hans", display_name="Hans T.")) == "Hans T."
        assert str(UserFactory(username="ana", display_name="")) == "ana"

    def test_the_slug_is_made_from_the_username_once(self) -> None:
        user = UserFactory(username="José@Example")
        assert user.slug == "joseexample"
        user.username = "other"
        user.save()
        assert user.slug == "joseexample"

    def test_a_taken_slug_gets_the_next_number(self) -> None:
        assert [UserFactory(username=name).slug for name in ("jose", "josé")] == ["jose", "jose-2"]

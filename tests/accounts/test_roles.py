"""The three roles and their exact permissions; names and slugs of people."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from accounts.roles import grant_roles
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

MODERATION = {
    *("comments.change_comment", "comments.moderate_comment", "comments.view_comment"),
    *("comments.add_block", "comments.change_block", "comments.delete_block", "comments.view_block"),
}
EXACTLY = {
    "Author": {
        *("blog.add_post", "blog.change_post", "blog.view_post", "blog.view_category"),
        *("library.add_document", "library.add_picture", "library.view_document", "library.view_picture"),
        *("tags.add_tag", "tags.view_tag"),
    },
    "Editor": {
        *(f"blog.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("post", "page", "category")),
        *("blog.publish_post", "blog.edit_others_post"),
        *("blog.add_oldaddress", "blog.delete_oldaddress", "blog.view_oldaddress"),
        *(f"library.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("picture", "document")),
        *(f"tags.{act}_{kind}" for act in ("add", "change", "delete", "view") for kind in ("tag", "tagalias")),
        *MODERATION,
        "comments.erase_commenter",
        *("wordpress.change_sharedblock", "wordpress.view_sharedblock"),
    },
    "Moderator": MODERATION,
}


@pytest.mark.parametrize("role", EXACTLY)
def test_role_has_exactly_its_permissions(role: str) -> None:
    assert UserFactory(role=role).get_all_permissions() == EXACTLY[role]


def test_upgrade_brings_a_role_back_to_its_permissions() -> None:
    moderators = Group.objects.get(name="Moderator")
    moderators.permissions.set(Permission.objects.filter(codename__in=["delete_post", "delete_comment"]))
    for app in ("blog", "comments"):
        grant_roles(apps.get_app_config(app), using="default")
    held = moderators.permissions.values_list("content_type__app_label", "codename")
    assert {f"{app}.{codename}" for app, codename in held} == MODERATION


def test_group_of_the_owners_own_is_left_alone() -> None:
    group = Group.objects.create(name="Translators")
    group.permissions.set(Permission.objects.filter(codename="change_post"))
    grant_roles(apps.get_app_config("blog"), using="default")
    assert group.permissions.count() == 1


class TestNames:
    def test_readers_see_the_display_name_or_else_the_user_name(self) -> None:
        assert str(UserFactory(username="hans", display_name="Hans T.")) == "Hans T."
        assert str(UserFactory(username="ana", display_name="")) == "ana"

    def test_slug_is_made_from_the_user_name_once(self) -> None:
        user = UserFactory(username="José@Example")
        assert user.slug == "joseexample"
        user.username = "other"
        user.save()
        assert user.slug == "joseexample"

    def test_taken_slug_gets_the_next_number(self) -> None:
        assert [UserFactory(username=name).slug for name in ("jose", "josé")] == ["jose", "jose-2"]

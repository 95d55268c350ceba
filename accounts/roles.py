"""The three roles, as groups with exact permissions.

They are set anew after each migration, so that an upgrade brings new permissions along. Who needs
other rights makes a group of their own; who runs the site is a superuser.
"""

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps

AUTHOR, EDITOR, MODERATOR = "Author", "Editor", "Moderator"


def _all(app: str, *models: str) -> set[str]:
    return {f"{app}.{action}_{model}" for model in models for action in ("add", "change", "delete", "view")}


ROLES: dict[str, set[str]] = {
    # Own drafts only: blog.admin narrows these to the author's own, unpublished posts.
    AUTHOR: {
        "blog.add_post",
        "blog.change_post",
        "blog.view_post",
        "blog.view_category",
        "library.add_picture",
        "library.view_picture",
        "library.add_document",
        "library.view_document",
        "tags.add_tag",
        "tags.view_tag",
    },
    EDITOR: {
        *_all("blog", "post", "page", "category"),
        "blog.add_oldaddress",
        "blog.delete_oldaddress",
        "blog.view_oldaddress",
        "blog.publish_post",
        "blog.edit_others_post",
        *_all("library", "picture", "document"),
        *_all("tags", "tag", "tagalias"),
        "comments.view_comment",
        "comments.change_comment",
        "comments.moderate_comment",
        *_all("comments", "block"),
        "comments.erase_commenter",
        "wordpress.change_sharedblock",
        "wordpress.view_sharedblock",
    },
    MODERATOR: {
        "comments.view_comment",
        "comments.change_comment",
        "comments.moderate_comment",
        *_all("comments", "block"),
    },
}


def grant_roles(app_config: AppConfig, using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Give each role its permissions in the app that was just migrated, and no other there."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    label = app_config.label
    available = {
        f"{label}.{permission.codename}": permission
        for permission in permission_model.objects.using(using).filter(content_type__app_label=label)
    }
    if not available:
        return
    for name, wanted in ROLES.items():
        group, _created = group_model.objects.using(using).get_or_create(name=name)
        held = set(group.permissions.filter(content_type__app_label=label))
        due = {permission for key, permission in available.items() if key in wanted}
        if held != due:
            group.permissions.remove(*(held - due))
            group.permissions.add(*(due - held))

"""Moving out: people, categories and tags, which stand at the head of an export."""

from collections.abc import Callable, Iterator
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Category
from tags.models import Tag
from wordpress.originals import META_KEY, packed, readable
from wordpress.trees import parents_first
from wordpress.wxr import address_fields, as_html, elements, meta_field, percent_encoded

_CHUNK: Final = 200


def people_and_terms(note: Callable[[str], None]) -> Iterator[str]:
    """An element for each person, category and tag. `note` is told what the format cannot hold."""
    note(_("Passwords, roles, the site settings and the history of moderation are not in the export."))
    for user in User.objects.order_by("pk").prefetch_related("old_addresses").iterator(_CHUNK):
        _note_lost(note, user, user.display_name, user.bio)
        yield _author(user)
    for category in _parents_first():
        _note_lost(note, category, category.name, category.description)
        yield _category(category)
    for tag in Tag.objects.order_by("pk").prefetch_related("aliases").iterator(_CHUNK):
        _note_lost(note, tag, tag.name, tag.description)
        yield _tag(tag)


def _author(user: User) -> str:
    values = {
        "author_id": user.pk,
        "author_login": user.username,
        "author_email": user.email,
        "author_display_name": as_html(str(user)),
        "author_first_name": as_html(user.first_name),
        "author_last_name": as_html(user.last_name),
    }
    # WordPress has no fields for meta of authors and passes over them.
    original = {"display_name": as_html(user.display_name), "slug": user.slug, "bio": user.bio}
    meta = meta_field("authormeta", META_KEY, packed(original))
    addresses = address_fields("authormeta", (old.path for old in user.old_addresses.all()))
    return f"\t<wp:author>{elements(values)}\n{meta}{addresses}\t</wp:author>\n"


def _parents_first() -> Iterator[Category]:
    stored = Category.objects.order_by("pk").select_related("parent").prefetch_related("old_addresses")
    categories = {category.pk: category for category in stored}
    order, _circular = parents_first({pk: category.parent_id for pk, category in categories.items()})
    for pk in order:
        yield categories[pk]


def _category(category: Category) -> str:
    values = {
        "term_id": category.pk,
        "category_nicename": percent_encoded(category.slug),
        "category_parent": percent_encoded(category.parent.slug) if category.parent else "",
        "cat_name": as_html(category.name),
        "category_description": as_html(category.description),
    }
    addresses = address_fields("termmeta", (old.path for old in category.old_addresses.all()))
    return f"\t<wp:category>{elements(values)}{addresses}</wp:category>\n"


def _tag(tag: Tag) -> str:
    values = {
        "term_id": tag.pk,
        "tag_slug": percent_encoded(tag.slug),
        "tag_name": as_html(tag.name),
        "tag_description": as_html(tag.description),
    }
    addresses = address_fields("termmeta", (f"/tag/{alias.slug}/" for alias in tag.aliases.all()))
    return f"\t<wp:tag>{elements(values)}{addresses}</wp:tag>\n"


def _note_lost(note: Callable[[str], None], row: User | Category | Tag, *texts: str) -> None:
    if any(readable(text) != text.replace("\r\n", "\n").replace("\r", "\n") for text in texts):
        note(
            _("%(kind)s %(id)d “%(title)s”: control characters, which XML cannot hold, were left out of the text.")
            % {"kind": row._meta.verbose_name, "id": row.pk, "title": row}
        )

"""Authors, categories and tags in an export. They come before the items."""

from collections.abc import Callable, Iterator
from typing import Final

from accounts.models import User
from blog.models import Category
from tags.models import Tag
from wordpress.exporting.fields import warn_about_control_characters
from wordpress.wxr.elements import legacy_url_fields, meta_field, percent_encoded, text_to_html, wp_elements
from wordpress.wxr.extensions import EXTENSION_KEY, to_json
from wordpress.wxr.topology import parents_first

_CHUNK_SIZE: Final = 200


def author_and_term_elements(warn: Callable[[str], None]) -> Iterator[str]:
    """Return an element for each author, category and tag."""
    for user in User.objects.order_by("pk").prefetch_related("redirects").iterator(_CHUNK_SIZE):
        warn_about_control_characters(warn, user, user.display_name, user.bio)
        yield _author_element(user)
    stored = Category.objects.order_by("pk").select_related("parent").prefetch_related("redirects")
    categories = {category.pk: category for category in stored}
    order, _circular = parents_first({pk: category.parent_id for pk, category in categories.items()})
    for category in (categories[pk] for pk in order):
        warn_about_control_characters(warn, category, category.name, category.description)
        yield _category_element(category)
    for tag in Tag.objects.order_by("pk").prefetch_related("aliases").iterator(_CHUNK_SIZE):
        warn_about_control_characters(warn, tag, tag.name, tag.description)
        yield _tag_element(tag)


def _author_element(user: User) -> str:
    values = {
        "author_id": user.pk,
        "author_login": user.username,
        "author_email": user.email,
        "author_display_name": text_to_html(str(user)),
        "author_first_name": text_to_html(user.first_name),
        "author_last_name": text_to_html(user.last_name),
    }
    # WordPress has no meta fields of authors and ignores them.
    extension = {"display_name": text_to_html(user.display_name), "slug": user.slug, "bio": user.bio}
    meta = meta_field("authormeta", EXTENSION_KEY, to_json(extension))
    old_urls = legacy_url_fields("authormeta", (old.path for old in user.redirects.all()))
    return f"\t<wp:author>{wp_elements(values)}\n{meta}{old_urls}\t</wp:author>\n"


def _category_element(category: Category) -> str:
    values = {
        "term_id": category.pk,
        "category_nicename": percent_encoded(category.slug),
        "category_parent": percent_encoded(category.parent.slug) if category.parent else "",
        "cat_name": text_to_html(category.name),
        "category_description": text_to_html(category.description),
    }
    old_urls = legacy_url_fields("termmeta", (old.path for old in category.redirects.all()))
    return f"\t<wp:category>{wp_elements(values)}{old_urls}</wp:category>\n"


def _tag_element(tag: Tag) -> str:
    values = {
        "term_id": tag.pk,
        "tag_slug": percent_encoded(tag.slug),
        "tag_name": text_to_html(tag.name),
        "tag_description": text_to_html(tag.description),
    }
    old_urls = legacy_url_fields("termmeta", (f"/tag/{alias.slug}/" for alias in tag.aliases.all()))
    return f"\t<wp:tag>{wp_elements(values)}{old_urls}</wp:tag>\n"

"""Entries: posts and pages as readers see them."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import Any, Self

from django.apps import apps
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language_info, gettext

from blog.models.entry_query import EntryKind, Status
from blog.models.stored_entry import StoredEntry, new_guid
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK
from blog.rendering.directions import add_directions
from blog.rendering.images import COLUMN_WIDTH, add_renditions, by_file_name, load_first_eagerly, picture_sources
from blog.rendering.relative_urls import resolve_relative_urls
from core.languages import in_words, language_name, override_language
from core.prepared import Prepared
from media.models import Picture

# Migrations refer to `new_guid` in this module.
__all__ = ["Entry", "new_guid"]


class Entry(StoredEntry):
    """A post or a page, always loaded as an instance of `Post` or `Page`."""

    # Whether this instance shows its content although it has a password (blog.passwords), and the error if not.
    is_unlocked = False
    password_error = ""
    # Whether the first image of its text is the first image of the page.
    leads_with_image = False

    def __str__(self) -> str:
        title = self.title or gettext("(no title)")
        return gettext("Protected: %(title)s") % {"title": title} if self.password else title

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        """Load an entry as a post or a page."""
        if cls is Entry and "kind" in field_names:
            kind = list(values)[list(field_names).index("kind")]
            return apps.get_model("blog", kind).from_db(db, field_names, values, **kwargs)  # type: ignore[no-any-return]  # a proxy of it
        return super().from_db(db, field_names, values, **kwargs)

    @property
    def is_public(self) -> bool:
        """Whether every reader may see it now."""
        return self.public_from is not None and self.public_from <= timezone.now()

    @property
    def is_scheduled(self) -> bool:
        return self.public_from is not None and self.public_from > timezone.now()

    @property
    def public_from(self) -> dt.datetime | None:
        """When it becomes visible to readers; None if its status hides it from them."""
        return self.published_at if self.status == Status.PUBLISHED else None

    @property
    def updated_at(self) -> dt.datetime | None:
        """When its text last changed, if that was on a later day than its publication; otherwise None."""
        changed_at, published_at = self.text_changed_at, self.published_at
        if changed_at is None or published_at is None:
            return None
        return changed_at if localtime(changed_at).date() > localtime(published_at).date() else None

    @property
    def language_name(self) -> str:
        """The name of its language in that language, or the code if Django doesn't know it; empty if it has none."""
        return language_name(self.language)

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`; empty if the entry has no language, or one that Django doesn't know."""
        try:
            return "rtl" if get_language_info(self.language)["bidi"] else "ltr"
        except KeyError:
            return ""

    @property
    def title_in_line(self) -> SafeString:
        """The title as HTML, for use within a line in any language."""
        language = f' lang="{escape(self.language)}"' if self.language else ""
        return mark_safe(f'<bdi dir="{self.direction or "auto"}"{language}>{escape(str(self))}</bdi>')  # noqa: S308  # every value is escaped

    @property
    def co_author_names(self) -> list[str]:
        """The names of those who wrote it with its author. They are only names, even of people with an account."""
        names = self.co_authors.replace("،", ",").split(",")
        return [name for each in names if (name := each.strip())]

    @property
    def byline(self) -> str:
        """Everyone who wrote it: “Anna, Ben and Carla”."""
        return in_words([self.author, *self.co_author_names])

    @property
    def byline_html(self) -> SafeString:
        """The byline, with a link to the author's page."""
        url, name = escape(self.author.get_absolute_url()), escape(str(self.author))
        author = f'<a class="p-author h-card" href="{url}" rel="author" dir="auto">{name}</a>'
        others = [f'<span class="p-author h-card" dir="auto">{escape(name)}</span>' for name in self.co_author_names]
        return mark_safe(in_words([author, *others]))  # noqa: S308  # all names are escaped

    # The content as readers see it. Public pages access the content only through these properties, so that they never
    # show locked content.

    @property
    def is_locked(self) -> bool:
        """Whether readers see the password form in place of the content."""
        return bool(self.password) and not self.is_unlocked

    @property
    def summary(self) -> str:
        """The excerpt, or else the beginning of the text, as plain text."""
        if self.is_locked:
            return gettext("There is no excerpt because this is a protected post.")
        return self.excerpt or self.auto_excerpt

    @property
    def picture(self) -> Picture | None:
        """The featured image."""
        picture = None if self.is_locked else self.featured_picture
        return picture.shown if picture else None

    @property
    def picture_sources(self) -> SafeString:
        """The renditions of the featured image, as `source` elements for its `picture` element."""
        picture = self.picture
        return picture_sources(picture, min(picture.width, COLUMN_WIDTH), is_lazy=False) if picture else SafeString()

    @property
    def body(self) -> SafeString:
        """The whole text, with all its pages."""
        return mark_safe(self.body_with_breaks.replace(PAGE_BREAK, ""))  # noqa: S308  # blog.rendering sanitised it before it was stored

    @property
    def body_with_breaks(self) -> str:
        """The text with PAGE_BREAK between its pages, and the anchor `more-ID` in place of the more marker."""
        if self.is_locked:
            return self.password_form
        return self.for_readers(self.body_html).replace(MORE_PLACEHOLDER, f'<span id="more-{self.pk}"></span>')

    @cached_property
    def shown_pictures(self) -> dict[str, Picture]:
        """The pictures of the media library in its stored text, by the files that it names (`by_file_name`).

        Takes one query, unless `load_pictures` has loaded them.
        """
        return _read_pictures([self.pk])[self.pk]

    def for_readers(self, html: str, pictures: Mapping[str, Picture] | None = None) -> str:
        """Return `html`, its text or a part of it, as any page shows it.

        Relative URLs are resolved against the entry's URL. Parts in another direction have that one.
        Pictures of the media library, `pictures` or else those in the stored text, get their renditions.
        """
        html = resolve_relative_urls(html, self.get_absolute_url())
        if "<img" in html:
            html = load_first_eagerly(html) if self.leads_with_image else html
            html = add_renditions(html, self.shown_pictures if pictures is None else pictures)
        return add_directions(html, self.direction)

    @property
    def password_form(self) -> SafeString:
        """The form in place of locked content, in the language of the text. It is the same for every reader."""
        with override_language(self.language):
            return render_to_string("blog/_password_form.html", {"entry": self})

    @property
    def site_url(self) -> str:
        """The URL of the public page, or of the preview if the entry is not public."""
        return self.get_absolute_url() if self.is_public else self.get_preview_url()

    def get_preview_url(self) -> str:
        """Return the URL where staff see it as readers will. It has the form of WordPress's preview URLs."""
        parameter = "p" if self.kind == EntryKind.POST else "page_id"
        return f"{reverse('blog:front')}?{parameter}={self.pk}&preview=true"


_pictures_in_texts = Prepared[Any](
    lambda ids: Entry.pictures.through._default_manager.filter(entry__pk__in=ids).select_related("picture__merged_into")
)


def load_pictures(entries: Iterable[Entry]) -> None:
    """Load the pictures in the texts of `entries`, to show them with their renditions. Takes one query."""
    by_id = {entry.pk: entry for entry in entries}
    for pk, pictures in _read_pictures(by_id).items():
        by_id[pk].shown_pictures = pictures


def _read_pictures(ids: Collection[int]) -> dict[int, dict[str, Picture]]:
    found: dict[int, list[Picture]] = {pk: [] for pk in ids}
    for row in _pictures_in_texts(list(ids)) if ids else ():
        found[row.entry_id].append(row.picture)
    return {pk: by_file_name(pictures) for pk, pictures in found.items()}

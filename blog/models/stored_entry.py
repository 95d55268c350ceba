"""How posts and pages are stored: in one table, with one ID space, as in WordPress."""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.category import Category
from blog.models.entry_query import EntryKind, EntryQuerySet, Status, date_in_lists
from blog.models.redirect import add_redirects, remove_redirects
from blog.models.tree import MAX_PATH_LENGTH, not_its_own_parent
from blog.rendering import RENDER_VERSION, Rendered, SourceTooLongError, render
from core.bulk import update
from core.changes import PublicModel, entries_changed
from core.languages import interface_language
from core.slugs import slug_before_trash, slug_field
from media.models import Document, Picture


def new_guid() -> str:
    """Return an identifier that stays the same when the URL, title or host changes. Feed readers rely on it."""
    return uuid.uuid4().urn


class StoredEntry(PublicModel):
    """The fields of an entry and their rules, the rendering of its source, and its URLs over time.

    The source is stored as written. Its HTML is rendered when the entry is saved, and stored with it.
    """

    # Two of these determine when to render the source again. The HTML itself is public.
    private_fields = frozenset({"source_digest", "render_version", "status_before_trash"})
    comment_fields = frozenset({"comment_count"})

    # The name of the proxy model.
    kind = models.CharField(max_length=4, choices=EntryKind, editable=False)
    title = models.CharField(_("title"), max_length=1000, blank=True)
    slug = slug_field(_("The last part of the URL. Leave empty to use the title."), unique=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("author"), related_name="entries")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    # No longer used. This column is removed one release after the last code that uses it.
    status_before_trash = models.CharField(max_length=9, blank=True, editable=False)
    published_at = models.DateTimeField(_("publish at"), null=True, blank=True)
    source = models.TextField(_("text"), blank=True)
    markup = models.CharField(_("format"), max_length=20, default="markdown")
    excerpt = models.TextField(
        _("excerpt"),
        blank=True,
        help_text=_("Shown in feeds and search results. Leave empty to use the beginning of the text."),
    )
    language = models.CharField(
        _("language"),
        max_length=12,
        blank=True,
        help_text=_("The language of the text, which also sets its direction."),
    )
    # The same for an entry and its translations into other languages (blog.editing.translations).
    translation_group = models.UUIDField(null=True, editable=False)
    # It is shared with readers, so it is stored in plain text, as in WordPress.
    password = models.CharField(
        _("password"),
        max_length=255,
        blank=True,
        help_text=_(
            "Readers see the title, and the content only after they enter this password. Give it to those who may read "
            "it. Leave empty to show the content to everyone."
        ),
    )
    comments_open = models.BooleanField(_("allow comments"), default=True)
    featured_picture = models.ForeignKey(
        Picture,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("featured image"),
        help_text=_("Shown above the text, and when other sites link to it."),
    )
    noindex = models.BooleanField(
        _("hide from search engines"),
        default=False,
        db_default=False,
        help_text=_("Search engines are asked to leave it out. Readers find it here as before."),
    )
    guid = models.CharField(max_length=500, default=new_guid, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified_at = models.DateTimeField(_("last changed"), auto_now=True)
    # When the text last changed for readers (blog.publishing); NULL if it never did.
    text_changed_at = models.DateTimeField(null=True, editable=False)

    # Posts only.
    co_authors = models.CharField(
        _("co-authors"),
        max_length=1000,
        blank=True,
        default="",
        db_default="",
        help_text=_("Other people who wrote it, named after the author. Separate names with commas."),
    )
    categories = models.ManyToManyField(Category, verbose_name=_("categories"), related_name="posts", blank=True)
    # The tags app adds this manager to posts. It accepts names as well as tags.
    tags: Any
    sticky = models.BooleanField(_("sticky"), default=False, help_text=_("Pin to the top of the front page."))
    # The day in the URL, in the site's time zone. It is stored so that no URL changes when the time zone does.
    published_on = models.DateField(null=True, editable=False)

    # Pages only. Posts have no path: NULL is different from every other value, so the constraint ignores them.
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
        verbose_name=_("parent"),
        help_text=_("Leave empty for a top-level page."),
    )
    parent_id: int | None  # for mypy, which doesn't see the column in an abstract model
    path = models.CharField(max_length=MAX_PATH_LENGTH, unique=True, null=True, editable=False)  # noqa: DJ001  # see above
    menu_order = models.IntegerField(_("order"), default=0, help_text=_("Lower numbers come first in the menu."))

    # The output of the renderer in this version. The digest covers what it depends on: see `_digest`.
    lead_html = models.TextField(editable=False, blank=True)
    body_html = models.TextField(editable=False, blank=True)
    auto_excerpt = models.TextField(editable=False, blank=True)
    has_more = models.BooleanField(editable=False, default=False)
    # NULL if it was rendered before words were counted.
    word_count = models.IntegerField(null=True, editable=False)
    source_digest = models.CharField(max_length=32, editable=False, blank=True)
    render_version = models.PositiveSmallIntegerField(editable=False, default=0)
    # The files of the media library in the text (blog.media_index).
    pictures = models.ManyToManyField(Picture, related_name="+", editable=False)
    documents = models.ManyToManyField(Document, related_name="+", editable=False)
    # Counts approved comments only. The comments app keeps it up to date.
    comment_count = models.PositiveIntegerField(_("comments"), default=0, editable=False)

    # The status before the last save; empty for a new entry.
    replaced_status = ""
    objects = EntryQuerySet.as_manager()

    class Meta:
        abstract = True
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        default_permissions = ()
        indexes = [
            models.Index(fields=["kind", "status", "-published_at", "-id"], name="entry_newest_first"),
            models.Index(fields=["author", "kind", "status", "-published_at", "-id"], name="entry_of_author"),
            # For lists in the admin by date, or by last change if there is none; and for the languages in use, each of
            # which has a public list, too.
            models.Index(F("kind"), date_in_lists().desc(), F("id").desc(), name="entry_by_date"),
            models.Index(fields=["kind", "language", "status", "-published_at", "-id"], name="entry_in_language"),
            # The sidebar counts the posts of each month from this index alone.
            models.Index(fields=["kind", "status", "published_at", "published_on"], name="entry_by_day"),
            # Partial, because few posts are sticky and few pages have a parent. An index on all entries would consist
            # mostly of one value, so databases would not use it.
            models.Index(
                fields=["kind", "status", "-published_at", "-id"], condition=Q(sticky=True), name="entry_sticky"
            ),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="entry_with_parent"),
            # For URLs with a wrong date or a shortened slug. The operator class lets PostgreSQL look up prefixes.
            models.Index(fields=["slug"], name="entry_slug", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [
            # The day is NULL for pages and undated posts, which the constraint therefore ignores.
            models.UniqueConstraint(fields=["published_on", "slug"], name="post_url_unique"),
            # Most entries have no group, and the constraint ignores them.
            models.UniqueConstraint(fields=["translation_group", "language"], name="entry_translation_once"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="entry_status_known"),
            models.CheckConstraint(
                condition=~Q(status=Status.PUBLISHED) | Q(published_at__isnull=False), name="entry_published_has_time"
            ),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.POST, path=None, parent=None)
                | Q(kind=EntryKind.PAGE, path__isnull=False, published_on=None),
                name="entry_fields_of_kind",
            ),
            not_its_own_parent("page"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self._meta.proxy and not args:
            kwargs.setdefault("kind", self._meta.model_name)
        super().__init__(*args, **kwargs)

    def get_absolute_url(self) -> str:
        raise NotImplementedError

    def clean(self) -> None:
        super().clean()
        if self.translations().filter(language=self.language).exists():
            # Without its title: it may be a draft that this user may not see.
            text = gettext("This is already linked to a translation in this language. Unlink that one first.")
            raise ValidationError({"language": text})
        try:
            self.render_if_stale()
        except SourceTooLongError as error:
            raise ValidationError({"source": str(error)}) from error

    def translations(self) -> EntryQuerySet:
        """Return the entries that are linked to this one as its translations, whether they are public or not."""
        group = self.translation_group
        entries: EntryQuerySet = type(self)._default_manager.all()
        linked = entries.filter(translation_group=group).exclude(pk=self.pk)
        return linked.order_by("language") if group else linked.none()

    # Rendering

    def render_if_stale(self) -> None:
        """Render the source, unless this version of the renderer has already rendered it in its language.

        Raises SourceTooLongError.
        """
        digest = self._digest(interface_language(self.language))
        if (self.source_digest, self.render_version) != (digest, RENDER_VERSION):
            self.render()

    def render(self) -> None:
        """Render the source. Raises SourceTooLongError."""
        self.take_rendered(render(self.source, self.markup, self, self.language))

    def take_rendered(self, rendered: Rendered) -> None:
        """Set the fields with the result of rendering the source."""
        self.lead_html, self.body_html = rendered.lead_html, rendered.body_html
        self.auto_excerpt, self.has_more = rendered.auto_excerpt, rendered.has_more
        self.word_count = rendered.word_count
        self.source_digest = self._digest(rendered.language)
        self.render_version = RENDER_VERSION

    def _digest(self, language: str) -> str:
        """Return a digest of the source, its markup, and the language of the text that rendering adds."""
        text = f"{self.markup}\0{language}\0{self.source}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    # Saving

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it (see `store`) and update everything that is derived from it."""
        with transaction.atomic():
            self.store(*args, **kwargs)
            entries_changed([self.pk], are_hidden=not self.is_visible())

    def is_visible(self) -> bool:
        """Whether readers could see it before it was stored, or can now. A scheduled one counts as visible."""
        return Status.PUBLISHED in {self.status, self.replaced_status}

    def store(self, *args: Any, stored: "StoredEntry | None" = None, **kwargs: Any) -> None:
        """Save it at a free URL, and render it if necessary. A URL that it had before becomes a redirect.

        If it is published without a time, it is published now. The caller opens a transaction, and calls
        `entries_changed`. `stored` is the entry in the database, if the caller has read it. Raises SourceTooLongError.
        """
        self.render_if_stale()
        before = None if stored is None else {stored.pk: stored}
        self._store([self], lambda: super(StoredEntry, self).save(*args, **kwargs), before)

    @classmethod
    def store_all(cls, entries: Sequence[Any]) -> None:
        """Save the status of stored entries of this kind, and their URLs, in a fixed number of statements.

        Nothing is rendered, so the source must be unchanged. The caller opens a transaction, and calls
        `entries_changed`.
        """
        if not entries:
            return
        now = timezone.now()
        for entry in entries:
            entry.modified_at = now
        names = ["status", "modified_at", "slug", "published_at", "published_on", "path"]
        cls._store(entries, lambda: update(entries, names))

    @classmethod
    def _store(
        cls, entries: Sequence[Any], write: Callable[[], object], stored: Mapping[int, "StoredEntry"] | None = None
    ) -> None:
        """Give `entries` free URLs, `write` them and redirect their former URLs (from `stored`, if it was read)."""
        if stored is None:
            names = ("kind", "status", "slug", "published_at", "published_on", "parent", "path")
            stored = cls._posts_and_pages().only(*names).in_bulk([entry.pk for entry in entries if entry.pk])
        now = timezone.now()
        for entry in entries:
            if entry.status == Status.PUBLISHED and entry.published_at is None:
                entry.published_at = now
            before = stored.get(entry.pk)
            entry.replaced_status = before.status if before is not None else ""
            # Only when it leaves the trash: otherwise, a slug with WordPress's suffix was chosen on purpose.
            if before is not None and before.slug == entry.slug and entry.was_restored(before):
                entry.slug = slug_before_trash(entry.slug)
        cls.assign_places(entries, stored)
        try:
            with transaction.atomic():
                write()
        except IntegrityError:
            # Someone else took a URL between the lookup and the write. Try once more.
            cls.assign_places(entries, stored)
            write()
        cls.keep_old_urls(entries, stored)

    @classmethod
    def _posts_and_pages(cls) -> Any:
        # Any, as in TreeNode. Without a condition on the kind, which would make SQLite read all of that kind.
        concrete: Any = cls._meta.concrete_model
        return concrete._default_manager

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        pk = self.pk
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            entries_changed([pk])
        return deleted

    @classmethod
    def assign_places(cls, entries: Sequence[Any], stored: Mapping[int, "StoredEntry"]) -> None:
        """Give entries of this kind free URLs. `stored` has them by ID as they are in the database."""
        raise NotImplementedError

    @classmethod
    def keep_old_urls(cls, entries: Sequence[Any], stored: Mapping[int, "StoredEntry"]) -> None:
        """Redirect the former URLs of saved entries.

        Entries that are not public don't replace existing redirects, which readers may rely on.
        """
        moved = [pair for entry in entries for pair in entry.moved_from(stored.get(entry.pk))]
        public = [(url, entry) for url, entry in moved if entry.is_public]
        if public:
            remove_redirects(entry.get_absolute_url() for _url, entry in public)
            add_redirects((url, entry) for url, entry in public if url)
        add_redirects(((url, entry) for url, entry in moved if url and not entry.is_public), replace=False)

    def moved_from(self, before: "StoredEntry | None") -> list[tuple[str, Any]]:
        """Return each entry whose URL changed when this one was saved, with its old URL (empty if there was none)."""
        raise NotImplementedError

    def was_restored(self, stored: "StoredEntry") -> bool:
        """Return whether it leaves WordPress's trash, where `stored` was. Readers never used the URL it had there."""
        was_trashed = stored.slug != slug_before_trash(stored.slug)
        return was_trashed and stored.status == Status.TRASH != self.status

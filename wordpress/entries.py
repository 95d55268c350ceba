"""The posts and pages of an export, stored some at a time with all that hangs on them."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import reset_queries
from django.db.models import Manager
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from blog.models import Page, Post
from tags.models import TaggedPost
from wordpress.attachments import Attachments
from wordpress.authors import Authors
from wordpress.building import build
from wordpress.comments import Answered, Comments
from wordpress.enclosures import bring_in_enclosures
from wordpress.featured import FeaturedImages
from wordpress.former import FormerAddresses
from wordpress.identity import Identities, Identity
from wordpress.lookups import add, add_rows
from wordpress.memory import Left, Memory, of_item, of_moment
from wordpress.numbers import remember_numbers
from wordpress.pages import PageMove, PagePlan, move_pages, plan_pages
from wordpress.plain import numbered, plain, usable_slug
from wordpress.records import CATEGORY, TAG, Item
from wordpress.renderer import Renderer
from wordpress.reports import POSTS, Outcome, Report
from wordpress.survey import Survey, reason_to_skip
from wordpress.terms import Terms

# Items are stored together: so many, or so many characters of text, whichever comes first.
_BATCH = 200
_BATCH_CHARACTERS = 2_000_000
# What an entry takes over from a changed item, the address apart.
_RENEWED = (
    "title",
    "author_id",
    "status",
    "published_at",
    "source",
    "markup",
    "excerpt",
    "language",
    "comments_open",
    "created_at",
    "modified_at",
)


class Entries:
    """Takes the items of an export one after the other."""

    def __init__(
        self,
        survey: Survey,
        authors: Authors,
        terms: Terms,
        comments: Comments,
        memory: Memory,
        former: FormerAddresses,
        attachments: Attachments,
        renderer: Renderer,
        report: Report,
    ) -> None:
        self._site = survey.site
        self._attachments = attachments
        self._featured = FeaturedImages(self._site)
        self._authors = authors
        self._memory = memory
        self._former = former
        self._terms = terms
        self._comments = comments
        self._report = report
        self._renderer = renderer
        self._identities = Identities(Post, survey.highest_item, survey.site)
        self._plans = iter(plan_pages(survey, report))
        self._posts: list[Item] = []
        self._pages: list[tuple[Item, PagePlan]] = []
        self._characters = 0
        self._moves: list[PageMove] = []
        # Posts and pages that are being rendered.
        self._rendering: tuple[list[Answered], list[Answered]] = ([], [])

    def take(self, item: Item) -> None:
        """Bring in `item`, or say in the report why not."""
        if item.type == "attachment":
            self._attachments.take(item)
            self._comments.skip(item, _("It answers a file: these have no comments here."))
            return
        if reason := reason_to_skip(item):
            self._skip(item, reason)
            return
        if item.type == "page":
            self._pages.append((item, next(self._plans)))
        else:
            self._posts.append(item)
        self._characters += len(item.content)
        if len(self._posts) + len(self._pages) >= _BATCH or self._characters > _BATCH_CHARACTERS:
            self._next()

    def finish(self) -> None:
        """Store what was taken and is not stored yet, and move the pages that stand elsewhere in the export now."""
        self._next()
        self._next()
        move_pages(self._moves, self._report)

    def _next(self) -> None:
        """Let what was taken last be rendered, and store meanwhile what was taken before it."""
        posts = self._answered(Post, zip(self._posts, self._identities.of(self._posts), strict=True))
        plans = {plan.identity.pk: plan for _item, plan in self._pages}
        pages = self._answered(Page, ((item, plan.identity) for item, plan in self._pages), plans)
        self._posts, self._pages, self._characters = [], [], 0
        before, self._rendering = self._rendering, (posts, pages)
        comment_html = self._renderer.finish()
        new = [answered for answered in (*posts, *pages) if answered.new]
        comments = [(comment.content, comment.is_html) for answered in new for comment in answered.item.comments]
        self._renderer.begin([answered.entry for answered in new], comments)
        self._store(*before, comment_html)

    def _store(
        self, posts: list[Answered], pages: list[Answered], comment_html: Mapping[tuple[str, bool], str]
    ) -> None:
        new_posts = [answered for answered in posts if answered.new]
        self._give_addresses(new_posts)
        self._comments.prepare([*posts, *pages], comment_html)
        # Not by `bulk_create`: that sets the present moment, and feeds would call sixteen years of posts new.
        add([answered.entry for answered in new_posts])
        add([answered.entry for answered in pages if answered.new])
        self._featured.take([answered for answered in (*posts, *pages) if answered.new or answered.changed])
        for answered in (*posts, *pages):
            if answered.changed:
                _update(answered.entry)
            if answered.new or answered.changed:
                left = Left(of_item(answered.item), of_moment(answered.entry.modified_at))
                self._memory.remember(answered.item.type, answered.item.id, answered.entry.pk, left)
                self._former.of_entry(answered.entry, answered.item)
        changed_posts = [answered for answered in posts if answered.changed]
        self._file(new_posts, changed_posts)
        bring_in_enclosures(new_posts, changed_posts)
        self._comments.write([*posts, *pages])
        self._memory.write()
        self._former.write()
        moved = [answered for answered in (*posts, *pages) if answered.new and answered.item.id != answered.entry.pk]
        # Of several with one number the first counts.
        by_number = {answered.item.id: answered.entry for answered in reversed(moved) if answered.item.id}
        remember_numbers(self._site, by_number)
        # With DEBUG Django keeps every query: here they are as large as the export.
        reset_queries()

    def _answered(
        self,
        model: type[Post] | type[Page],
        items: Iterable[tuple[Item, Identity]],
        plans: Mapping[int, PagePlan] = MappingProxyType({}),
    ) -> list[Answered]:
        """Entries for `items`: those that are new made whole, those that changed made anew, the others by key only."""
        items = list(items)
        kind = items[0][0].type if items else ""
        left = self._memory.recall(kind, [identity.pk for _item, identity in items if identity.known])
        changed = {
            identity.pk
            for item, identity in items
            if identity.known and identity.pk in left and left[identity.pk].exported != of_item(item)
        }
        manager: Manager[Any] = model._default_manager
        stored: dict[int, Post | Page] = manager.in_bulk(changed)
        answered: list[Answered] = []
        for item, identity in items:
            if identity.again:
                self._skip(item, _("It is in the export twice."))
            elif not identity.known:
                self._report.count(kind, Outcome.IMPORTED)
                answered.append(Answered(self._build(item, identity, plans.get(identity.pk)), item, new=True))
            elif identity.pk not in changed:
                self._report.count(kind, Outcome.UNCHANGED)
                answered.append(Answered(model(pk=identity.pk), item, new=False))
            elif of_moment(stored[identity.pk].modified_at) != left[identity.pk].here:
                reason = _("It was changed in the export and here since the last import: here it stays as it is.")
                self._report.skip(kind, item.id, plain(item.title), reason)
                answered.append(Answered(model(pk=identity.pk), item, new=False))
            else:
                self._report.count(kind, Outcome.UPDATED)
                entry = stored[identity.pk]
                self._renew(entry, item, identity, plans.get(identity.pk))
                answered.append(Answered(entry, item, new=False, changed=True))
        return answered

    def _build(self, item: Item, identity: Identity, plan: PagePlan | None = None) -> Post | Page:
        if item.type != "page":
            return build(Post, item, identity, self._authors, self._report, sticky=item.sticky)
        place = {"slug": plan.slug, "path": plan.path, "parent_id": plan.parent} if plan and not identity.known else {}
        return build(Page, item, identity, self._authors, self._report, menu_order=item.menu_order, **place)

    def _renew(self, entry: Post | Page, item: Item, identity: Identity, plan: PagePlan | None) -> None:
        """Give the stored `entry` all that `item` says now. A page is moved later, when all are stored."""
        fresh = self._build(item, identity)
        own = "sticky" if isinstance(entry, Post) else "menu_order"
        for name in (*_RENEWED, own):
            setattr(entry, name, getattr(fresh, name))
        wanted = usable_slug(item.slug)
        if isinstance(entry, Post):
            entry.slug = wanted or entry.slug
        elif plan is not None:
            stays = item.parent and plan.parent is None
            parent = entry.parent_id if stays else plan.parent
            self._moves.append(PageMove(entry.pk, item.id, wanted or entry.slug, parent))

    def _skip(self, item: Item, reason: str) -> None:
        self._report.skip(item.type, item.id, plain(item.title), reason)
        self._comments.skip(item, _("It answers an item that was not brought in."))

    def _give_addresses(self, new: Sequence[Answered]) -> None:
        """Set day and slug of new posts. A slug that another post of the day has gets `-2`, as in WordPress."""
        wanted = {id(answered): usable_slug(answered.item.slug) for answered in new}
        for answered in new:
            post = _post(answered)
            post.published_on = _day(answered)
            fallback = slugify(post.title)[:200]
            post.slug = wanted[id(answered)] or fallback or ("post" if post.published_on else "")
        dated = [post for answered in new if (post := _post(answered)).published_on]
        rivals = Post.objects.filter(
            published_on__in={post.published_on for post in dated}, slug__in={post.slug for post in dated}
        )
        taken = set(rivals.values_list("published_on", "slug"))
        for answered in new:
            post = _post(answered)
            if post.published_on:
                post.slug = self._free_slug(post, taken)
                taken.add((post.published_on, post.slug))
            if answered.item.slug and post.slug != slug_from_export(answered.item.slug):
                text = _("Its address cannot be kept: here it is “%s”.") % post.slug
                self._report.note(POSTS, answered.item.id, post.title, text)

    def _free_slug(self, post: Post, taken: set[tuple[dt.date | None, str]]) -> str:
        day = post.published_on
        if (day, post.slug) not in taken:
            return post.slug
        # Others of the day may have the numbered slugs as well: now all are looked at.
        taken.update(Post.objects.filter(published_on=day).values_list("published_on", "slug"))
        return numbered(post.slug, lambda slug: (day, slug) in taken)

    def _file(self, new: Iterable[Answered], changed: Sequence[Answered]) -> None:
        """Put posts under their categories and tags, and take changed ones from those they had."""
        filed = Post.categories.through
        if changed:
            pks = [answered.entry.pk for answered in changed]
            filed._default_manager.filter(post__in=pks).delete()
            TaggedPost.objects.filter(content_object__in=pks).delete()
        filings: list[tuple[int, int]] = []
        tagged: list[tuple[int, int, dt.datetime | None]] = []
        for answered in (*new, *changed):
            post, refs = _post(answered), answered.item.terms
            filings += [(post.pk, key) for key in self._terms.of(refs, CATEGORY)]
            tagged += [(post.pk, key, post.public_from) for key in self._terms.of(refs, TAG)]
        add_rows(filed, ("post", "category"), filings)
        add_rows(TaggedPost, ("content_object", "tag", "published_at"), tagged)


def _post(answered: Answered) -> Post:
    if not isinstance(answered.entry, Post):
        raise TypeError(answered.entry)
    return answered.entry


def _day(answered: Answered) -> dt.date | None:
    """The day in the address: the export's own, whatever the clock of this site."""
    if answered.entry.published_at is None:
        return None
    return (answered.item.date or timezone.localtime(answered.entry.published_at)).date()


def _update(entry: Post | Page) -> None:
    """Save `entry` with the moment of its last change as the export has it."""
    moment = entry.modified_at
    entry.save()
    manager: Manager[Any] = type(entry)._default_manager
    manager.filter(pk=entry.pk).update(modified_at=moment)
    entry.modified_at = moment

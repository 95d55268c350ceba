"""Merging categories, and moving posts from one to another. Each is one transaction, is logged, and can be undone.

Undoing reverts only the change itself, and keeps what people have done since.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.models import Category, CategoryChange, Entry, Post, Redirect
from blog.models.curation import CurationError, TermChange
from blog.models.redirect import add_redirects
from core.changes import entries_changed, will_be_merged
from core.languages import in_quotes

# How many posts a preview names.
_MAX_SHOWN: Final = 20
_BATCH_SIZE: Final = 1000


@dataclass(frozen=True, slots=True)
class Preview:
    """What merging would do: `post_count` posts, of which `posts` are the newest, get the target.

    `redirects` are pairs of an old URL and its destination, and `moved` are the categories that will become children
    of the target.
    """

    post_count: int
    posts: list[Post]
    redirects: list[tuple[str, str]]
    moved: list[Category]


def preview_merge(ids: Collection[int], target: Category, *, keep: bool) -> Preview:
    """Return what `merge` would do. Raises CurationError if it can't be done."""
    sources = list(Category.objects.filter(pk__in=ids).exclude(pk=target.pk))
    _require_possible(sources, target, keep=keep)
    gained = _rows(sources).exclude(entry__in=_rows([target]).values("entry"))
    posts = Post.objects.filter(pk__in=gained.values("entry")).without_texts()
    return Preview(
        post_count=gained.values("entry").distinct().count(),
        posts=list(posts.order_by("-published_at", "-pk")[:_MAX_SHOWN]),
        redirects=[] if keep else [(each.get_absolute_url(), target.get_absolute_url()) for each in sources],
        moved=[] if keep else list(Category.objects.filter(parent__in=sources).exclude(pk__in=ids)),
    )


def merge(ids: Collection[int], target_id: int, by: User, *, keep: bool = False) -> CategoryChange:
    """Move the posts and the children of these categories to the target, and delete the categories.

    Their URLs redirect to it. With `keep`, only the posts are moved. Raises CurationError if that can't be done.
    """
    with transaction.atomic():
        locked = Category.objects.locked({*ids, target_id})
        target = locked.pop(target_id, None)
        if target is None or not locked:
            raise CurationError(gone_message())
        sources = list(locked.values())
        _require_possible(sources, target, keep=keep)
        described = [_describe(each) for each in sources]
        affected = {pk for each in described for pk in each["posts"]}
        gained = sorted(affected - set(_rows([target]).values_list("entry", flat=True)))
        for source in sources:
            rows = _rows([source])
            rows.exclude(entry__in=_rows([target]).values("entry")).update(category=target)
            rows.delete()
        names = ", ".join(map(in_quotes, sources))[:800]
        if keep:
            text = gettext("Posts moved from %(categories)s to “%(target)s”")
        else:
            text = gettext("%(categories)s merged into “%(target)s”")
            record(Action.MERGED, sources, by=by, details=gettext("into “%s”") % target)
            will_be_merged(Category, list(locked), target.pk)
            # The deepest first, because a category with children can't be deleted.
            for source in sorted(sources, key=lambda each: -each.path.count("/")):
                _dissolve(source, target)
        # All at once, so that what takes long for many entries is done in the background.
        entries_changed(list(affected), have_same_texts=True)
        summary = text % {"categories": names, "target": target}
        record(Action.CHANGED, [target], by=by, details=f"{summary}.")
        kind = TermChange.Kind.MOVE if keep else TermChange.Kind.MERGE
        data = {"target": target.pk, "target_name": target.name, "gained": gained, "categories": described}
        return CategoryChange.objects.create(kind=kind, summary=summary, data=data, made_by=by)


def undo(change_id: int, by: User) -> CategoryChange:
    """Undo a change. Raises CurationError if that is no longer possible, or has already been done."""
    with transaction.atomic():
        change = CategoryChange.objects.select_for_update().filter(pk=change_id).first()
        if change is None or change.undone_at:
            raise CurationError(gettext("This has already been undone."))
        data = change.data
        target = Category.objects.locked([data["target"]]).get(data["target"])
        if target is None:
            text = gettext("“%s” has been merged or deleted since, so this can't be undone. Undo that change first.")
            raise CurationError(text % data["target_name"])
        # Someone has removed the target from other posts since, so these are not changed.
        present = set(_rows([target]).values_list("entry", flat=True))
        restored = [_restore(each, target, present) for each in data["categories"]]
        for some in batched(data["gained"], _BATCH_SIZE):
            _rows([target]).filter(entry__in=some).delete()
        entries_changed({pk for each in data["categories"] for pk in each["posts"]}, have_same_texts=True)
        change.mark_undone(by)
        record(Action.UNDONE, [*restored, target], by=by, details=change.summary)
        return change


def gone_message() -> str:
    return gettext("Someone else merged or deleted these categories first, so nothing was changed.")


def _require_possible(sources: Iterable[Category], target: Category, *, keep: bool) -> None:
    """Raise CurationError if the target is below one of the others, or would get URLs that are too long."""
    for source in sources if not keep else ():
        if target.path.startswith(f"{source.path}/"):
            text = gettext("“%(target)s” is below “%(source)s”. Merge the other way round, or give it another parent.")
            raise CurationError(text % {"target": target, "source": source})
        for child in source.children.all():
            if not child.fits_under(target):
                raise CurationError(gettext("The URL of “%s” would be too long. Give it another parent first.") % child)


def _dissolve(source: Category, target: Category) -> None:
    for child in source.children.all():
        child.parent = target
        child.save()
    Redirect.objects.filter(category=source).update(category=target)
    source.delete()
    add_redirects([(f"/category/{source.slug}/", target)])


def _describe(category: Category) -> dict[str, Any]:
    """Return what `_restore` needs."""
    return {
        "id": category.pk,
        "name": category.name,
        "slug": category.slug,
        "description": category.description,
        "parent": category.parent_id,
        "posts": list(_rows([category]).order_by("entry").values_list("entry", flat=True)),
        "children": list(category.children.values_list("pk", flat=True)),
        "redirects": list(Redirect.objects.filter(category=category).values_list("path", flat=True)),
    }


def _restore(described: dict[str, Any], target: Category, present: Collection[int]) -> Category:
    """Recreate a category unless it exists, and file those of its posts under it that still have the target."""
    category = Category.objects.filter(pk=described["id"]).first()
    if category is None:
        names = {name: described[name] for name in ("id", "name", "slug", "description")}
        category = Category(**names, parent=Category.objects.filter(pk=described["parent"]).first())
        category.save()
    # These include a child that was restored before its parent.
    for child in Category.objects.filter(pk__in=described["children"]).exclude(pk=category.pk):
        if child.parent_id in {target.pk, None}:
            child.parent = category
            child.save()
    Redirect.objects.filter(path__in=described["redirects"], category=target).update(category=category)
    through = Entry.categories.through
    rows = [through(entry_id=pk, category_id=category.pk) for pk in described["posts"] if pk in present]
    through._default_manager.bulk_create(rows, batch_size=_BATCH_SIZE, ignore_conflicts=True)
    return category


def _rows(categories: Iterable[Category]) -> Any:
    return Entry.categories.through._default_manager.filter(category__in=[each.pk for each in categories])

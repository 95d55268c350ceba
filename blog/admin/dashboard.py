"""The blog's items in the admin's navigation, and its panels on the dashboard."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from blog.appearance.versions import PERMISSION
from blog.models import Entry, Post, ReviewNotice, Status, open_note_count
from blog.models.entry_query import EntryKind
from blog.permissions import UNDECIDED, may_publish, may_view, seen_by
from blog.review.notices import feedback_for
from core.dashboard import Panel
from core.navigation import Badge, FirstStep, NavigationItem

# How many entries a panel shows.
_SHOWN: Final = 5
# How many of the latest notices the feedback panel considers.
_MAX_NOTICES: Final = 50
_LIST: Final = "admin/blog/_entries.html"


def _pending() -> QuerySet[Any]:
    return Post.objects.filter(status=Status.PENDING)


def _first_steps(request: HttpRequest) -> dict[str, Any] | None:
    """Return None once something has been published, because the site is no longer new."""
    return None if Post.objects.published().exists() else {}


def _more(state: str) -> str:
    return f"{reverse('admin:blog_post_changelist')}?state={state}"


def _drafts(request: HttpRequest) -> dict[str, Any]:
    """Return the user's drafts, latest first. The panel is shown even if there are none."""
    user: Any = request.user
    # Listing all kinds lets the query use the index.
    own = Entry.objects.filter(author=user.pk, kind__in=EntryKind.values, status__in=UNDECIDED)
    return {
        "entries": own.without_texts().annotate(open_notes=open_note_count()).order_by("-modified_at")[:_SHOWN],
        "time": "modified_at",
        "more": f"{_more(Status.DRAFT)}&author={user.pk}",
        "may_add": user.has_perm("blog.add_post"),
    }


def _panel(entries: QuerySet[Any], time: str, more: str) -> dict[str, Any] | None:
    listed: Any = entries.select_related("author").annotate(open_notes=open_note_count())
    shown = list(listed.without_texts()[:_SHOWN])
    return {"entries": shown, "time": time, "more": more, "show_author": True} if shown else None


def _for_review(request: HttpRequest) -> dict[str, Any] | None:
    if not may_publish(request.user):
        return None
    return _panel(_pending().order_by("modified_at"), "modified_at", _more(Status.PENDING))


def _feedback(request: HttpRequest) -> dict[str, Any] | None:
    """Return recent notices about the user's own texts and notes: for each text, the latest notice of each event.

    Texts that the user may no longer view are left out.
    """
    user: Any = request.user
    latest: dict[int, dict[str, ReviewNotice]] = {}
    for notice in feedback_for(user).select_related("by", "note")[:_MAX_NOTICES]:
        latest.setdefault(notice.entry_id, {}).setdefault(notice.event, notice)
    entries = Entry.objects.without_texts().in_bulk(latest)
    told = [(entries[pk], list(notices.values())) for pk, notices in latest.items() if may_view(user, entries[pk])]
    return {"told": told[:_SHOWN]} if told else None


def _seen_by(request: HttpRequest) -> QuerySet[Any]:
    posts: QuerySet[Any] = Post.objects.all()
    return seen_by(request.user, posts)


def _scheduled(request: HttpRequest) -> dict[str, Any] | None:
    posts: Any = _seen_by(request)
    return _panel(posts.scheduled().order_by("published_at"), "published_at", _more("scheduled"))


def _recent(request: HttpRequest) -> dict[str, Any] | None:
    posts: Any = _seen_by(request)
    return _panel(posts.published().newest_first(), "published_at", _more(Status.PUBLISHED))


_SEES_POSTS: Final = ("blog.view_post", "blog.change_post")
_CURATES: Final = ("blog.delete_category",)
_WRITES: Final = ("blog.add_post", "blog.add_page")
PANELS: Final = {
    "first-steps": Panel(
        _("Welcome to your new site"),
        "admin/blog/_first_steps.html",
        _first_steps,
        ("core.change_sitesettings",),
        order=-1,
    ),
    "drafts": Panel(_("Your drafts"), _LIST, _drafts, _WRITES, order=10),
    "feedback": Panel(_("Feedback"), "admin/blog/_feedback.html", _feedback, _WRITES, order=15),
    "review": Panel(_("Pending review"), _LIST, _for_review, _SEES_POSTS, order=20),
    "scheduled": Panel(_("Scheduled"), _LIST, _scheduled, _SEES_POSTS, order=30),
    "recent-posts": Panel(_("Recent posts"), _LIST, _recent, _SEES_POSTS, order=50),
}

NAVIGATION: Final = {
    "posts": NavigationItem.of_list(
        "blog.post",
        _("Posts"),
        order=10,
        badge=Badge(
            _pending,
            ngettext_lazy("%(count)d pending review", "%(count)d pending review", "count"),
            "blog.publish_post",
        ),
        first_step=FirstStep(_("Write your first post"), "admin:blog_post_add", "blog.add_post"),
    ),
    "calendar": NavigationItem(
        label=_("Calendar"),
        url_name="admin:blog_post_calendar",
        permissions=_SEES_POSTS,
        order=15,
        parent="posts",
    ),
    "pages": NavigationItem.of_list("blog.page", _("Pages"), order=20),
    "categories": NavigationItem.of_list("blog.category", _("Categories"), order=60),
    "category-twins": NavigationItem.of_list(
        "blog.categorytwins", _("Duplicates"), permissions=_CURATES, order=61, parent="categories"
    ),
    "category-changes": NavigationItem.of_list(
        "blog.categorychange", _("Changes"), permissions=_CURATES, order=62, parent="categories"
    ),
    "appearance": NavigationItem.of_list("blog.siteappearance", _("Appearance"), permissions=(PERMISSION,), order=115),
    "redirects": NavigationItem.of_list("blog.redirect", _("Redirects"), permissions=("blog.view_redirect",), order=70),
}

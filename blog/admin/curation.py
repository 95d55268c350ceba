"""What the admins of tags and categories have in common: previews of changes before they are made, and undo."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from blog.models.curation import CurationError, TermChange
from core.admin import BaseAdmin, ReadOnlyAdmin
from core.admin_routes import route
from core.kind_messages import KindMessages
from core.text import parse_ids
from core.twins import Likeness


def explains_refusal(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make an admin's `view` return to the list with the message if it raises CurationError."""

    @wraps(view)
    def wrapper(model_admin: BaseAdmin[Any], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(model_admin, request, *args, **kwargs)
        except CurationError as error:
            model_admin.message_user(request, str(error), messages.ERROR)
            return redirect(model_admin._url("changelist"))

    return wrapper


class CurationAdmin(BaseAdmin[Any]):
    """The base class for the admins of tags and categories, which can be merged."""

    def has_curate_permission(self, request: HttpRequest) -> bool:
        """Return whether this user may merge, rename and delete terms, and undo that (`curate` in actions)."""
        return self.has_change_permission(request) and self.has_delete_permission(request)

    @admin.display(description=_("posts (including drafts)"), ordering="post_count")
    def post_count(self, term: Any) -> int | SafeString:
        """Return the number of a term's posts, which `get_queryset` annotates, as a link to them."""
        if not term.post_count:
            return 0
        url = reverse("admin:blog_post_changelist")
        return format_html('<a href="{}?{}={}">{}</a>', url, term._meta.model_name, term.pk, term.post_count)

    def done(self, request: HttpRequest, change: TermChange) -> HttpResponse:
        """Return to the list with a message about the change and a button to undo it."""
        meta = change._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_undo", args=[change.pk])
        self.report_done(request, f"{change.summary}.", url)
        return redirect(self._url("changelist"))


REASONS: Final = {
    Likeness.ACCENTS: _("the same except for accents"),
    Likeness.SPACING: _("the same except for spaces, hyphens or punctuation"),
    Likeness.PLURAL: _("singular and plural"),
    Likeness.ORDER: _("the same words in another order"),
    Likeness.TYPO: _("one letter is different"),
}


class _CuratorsAdmin(ReadOnlyAdmin):
    """The base class of lists for users who may merge terms."""

    # The permission required to see the list.
    permission: ClassVar[str]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


class TwinsAdmin(_CuratorsAdmin):
    """Replaces Django's list with pairs of terms that may be duplicates, each with a link to merge them."""

    not_twins_text: ClassVar[Any]
    # A pair has no page of its own.
    has_only_own_views = True
    # Pairs are deleted together with either of their terms.
    has_delete_permission = _CuratorsAdmin.has_view_permission

    def twins_page(self, request: HttpRequest) -> HttpResponse:
        """Return the page with the twins."""
        raise NotImplementedError

    def set_different(self, first: int, second: int) -> None:
        """Record that these two are not duplicates."""
        raise NotImplementedError

    def search(self, request: HttpRequest) -> None:
        """Search for twins again, if they are stored."""

    @route("", "changelist", permission="module")
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the twins. A POST marks two of them as `different`, or searches again."""
        if request.method != "POST":
            return self.twins_page(request)
        ids = parse_ids(request.POST.getlist("different"))
        if len(ids) == 2:
            self.set_different(*ids)
            self.message_user(request, self.not_twins_text, messages.SUCCESS)
        else:
            self.search(request)
        page = request.GET.get("page", "")
        url = self._url("changelist")
        return redirect(f"{url}?page={page}" if page.isascii() and page.isdigit() else url)


def twins_row(pair: Sequence[tuple[Any, int]], likeness: Likeness, merge_url: str) -> dict[str, Any]:
    """Return the template context for two terms with their post counts. The first is the one to keep."""
    both = [
        {
            "name": str(heading),
            "count": count,
            "url": reverse(f"admin:{heading._meta.app_label}_{heading._meta.model_name}_change", args=[heading.pk]),
            "detail": getattr(heading, "path", ""),
        }
        for heading, count in pair
    ]
    ids = ",".join(str(heading.pk) for heading, _count in pair)
    is_same = both[0]["name"] == both[1]["name"]
    reason = gettext("the same name") if is_same else REASONS[likeness]
    return {"both": both, "ids": ids, "reason": reason, "merge_url": f"{merge_url}{ids}"}


class ChangeAdmin(_CuratorsAdmin):
    """The list of changes to tags or to categories, each with a button to undo it."""

    undo: Callable[[int, Any], TermChange]

    kind_messages = KindMessages(empty=_("No changes yet."))
    list_display = ("summary", "made_by", "made_at", "state")
    list_display_links = None
    list_select_related = ("made_by", "undone_by")
    list_per_page = 50
    fields = ("summary", "made_by", "made_at", "undone_by", "undone_at")
    search_fields = ("summary",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("data")

    @admin.display(description=_("state"))
    def state(self, change: TermChange) -> SafeString | str:
        if change.undone_at:
            return gettext("Undone by %s") % (change.undone_by or "–")
        # The list is inside a form, which this button submits to another URL.
        return format_html(
            '<button type="submit" class="button" formaction="{}" aria-label="{}">{}</button>',
            self._url("undo", change.pk),
            gettext("Undo: %s") % change.summary,
            gettext("Undo"),
        )

    @route("<int:pk>/undo/", "undo", require_POST, permission="module")
    @explains_refusal
    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        change = type(self).undo(pk, request.user)
        self.message_user(request, gettext("Undone: %s.") % change.summary, messages.SUCCESS)
        return redirect(self._url("changelist"))

"""What the admins of tags and of categories share: pages that show a change before it is made, and undo."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from blog.models.curation import CurationError, UndoableChange
from core.admin import BaseAdmin, ReadOnlyAdmin
from core.admin_routes import route
from core.text import parse_ids
from core.twins import Likeness


class CurationAdmin(BaseAdmin[Any]):
    """The base of the admins of headings that can be merged."""

    def has_curate_permission(self, request: HttpRequest) -> bool:
        """Return whether this user may merge, rename and delete headings, and undo that. Actions name it `curate`."""
        return self.has_change_permission(request) and self.has_delete_permission(request)

    def done(self, request: HttpRequest, change: UndoableChange) -> HttpResponse:
        """Return to the list with a message about the change and a button to undo it."""
        meta = change._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_undo", args=[change.pk])
        self.say_done(request, f"{change.summary}.", url)
        return self.to_list()

    def refused(self, request: HttpRequest, error: CurationError) -> HttpResponse:
        """Return to the list with a message that says why nothing was done."""
        self.message_user(request, str(error), messages.ERROR)
        return self.to_list()

    def to_list(self) -> HttpResponseRedirect:
        return redirect(self._url("changelist"))


REASONS: Final = {
    Likeness.ACCENTS: _("the same but for accents"),
    Likeness.SPACING: _("the same but for spaces, hyphens or punctuation"),
    Likeness.PLURAL: _("singular and plural"),
    Likeness.ORDER: _("the same words in another order"),
    Likeness.TYPO: _("one letter differs"),
}


class TwinsAdmin(CurationAdmin):
    """Shows pairs of headings that may be the same in place of Django's list, each with a way to merge them."""

    # Users who may do this see the page.
    permission: ClassVar[str]
    not_twins_text: ClassVar[Any]
    # No pages for single pairs.
    has_only_own_views = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def twins_page(self, request: HttpRequest) -> HttpResponse:
        """Show the twins."""
        raise NotImplementedError

    def set_different(self, first: int, second: int) -> None:
        """Remember that these two are not the same."""
        raise NotImplementedError

    def search(self, request: HttpRequest) -> None:
        """Search again, if the twins are stored."""

    @route("", "changelist", permission="curate")
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the twins. A POST says that two of them are `different`, or searches again."""
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
    """Return the context of two headings with their numbers of posts, of which the first one would stay."""
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


class ChangeAdmin(ReadOnlyAdmin):
    """The list of changes to headings of one kind, each with a button to undo it."""

    undo: Callable[[int, Any], UndoableChange]
    # Users who may do this see the list.
    permission: ClassVar[str]

    list_display = ("summary", "made_by", "made_at", "state")
    list_display_links = None
    list_select_related = ("made_by", "undone_by")
    list_per_page = 50
    fields = ("summary", "made_by", "made_at", "undone_by", "undone_at")
    search_fields = ("summary",)
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("data")

    @admin.display(description=_("state"))
    def state(self, change: UndoableChange) -> SafeString | str:
        if change.undone_at:
            return gettext("Undone by %s") % (change.undone_by or "–")
        # The list is a form, which this button sends to another URL.
        return format_html(
            '<button type="submit" class="button" formaction="{}" aria-label="{}">{}</button>',
            self._url("undo", change.pk),
            gettext("Undo: %s") % change.summary,
            gettext("Undo"),
        )

    @route("<int:pk>/undo/", "undo", require_POST, permission="module")
    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            change = type(self).undo(pk, request.user)
        except CurationError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, gettext("Undone: %s.") % change.summary, messages.SUCCESS)
        return redirect(self._url("changelist"))

"""The page of likely duplicates, each with a way to merge them or to say that they are not the same."""

from typing import Any, Final

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from blog.admin.curation import CurationAdmin, read_ids
from core.twins import Likeness
from tags import twins
from tags.models import TagTwins

_PER_PAGE: Final = 50
REASONS: Final = {
    Likeness.ACCENTS: _("the same but for accents"),
    Likeness.SPACING: _("the same but for spaces, hyphens or punctuation"),
    Likeness.PLURAL: _("singular and plural"),
    Likeness.ORDER: _("the same words in another order"),
    Likeness.TYPO: _("one letter differs"),
}


@admin.register(TagTwins)
class TagTwinsAdmin(CurationAdmin):
    """Shows the stored twins in place of Django's list."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tags.delete_tag"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        # No pages for single pairs.
        return [path("", self.admin_site.admin_view(self.changelist_view), name="tags_tagtwins_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the twins. A POST searches for them again, or says that two `tags` are `different`."""
        self.require_curator(request)
        if request.method == "POST":
            return self._change(request)
        page = Paginator(twins.stored(), _PER_PAGE).get_page(request.GET.get("page"))
        pairs = list(page.object_list)
        counts = twins.counts(pairs)
        rows = []
        for pair in pairs:
            both = sorted((pair.first, pair.second), key=lambda tag: -counts.get(tag.pk, 0))
            tags = [(tag, counts.get(tag.pk, 0)) for tag in both]
            rows.append({"tags": tags, "ids": f"{both[0].pk},{both[1].pk}", "reason": REASONS[Likeness(pair.reason)]})
        context = {"rows": rows, "page": page, "found_at": pairs[0].found_at if pairs else None}
        return self.curation_page(request, "admin/tags/twins.html", gettext("Tag twins"), **context)

    def _change(self, request: HttpRequest) -> HttpResponseRedirect:
        ids = read_ids(request.POST.getlist("different"))
        if len(ids) == 2:
            twins.set_different(*ids)
            self.message_user(request, gettext("These two tags will not be suggested again."), messages.SUCCESS)
        else:
            count = twins.search()
            text = ngettext("%d pair of likely twins found.", "%d pairs of likely twins found.", count) % count
            self.message_user(request, text if count else gettext("No twins found."), messages.SUCCESS)
        page = request.GET.get("page", "")
        url = reverse("admin:tags_tagtwins_changelist")
        return redirect(f"{url}?page={page}" if page.isascii() and page.isdigit() else url)

"""The page of likely duplicates, which can be merged or marked as different."""

from typing import Any, Final

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from blog.admin.curation import TwinsAdmin, twins_row
from core.twins import Likeness
from tags import curation, twins
from tags.models import TagTwins

_PER_PAGE: Final = 50


@admin.register(TagTwins)
class TagTwinsAdmin(TwinsAdmin):
    permission = "tags.delete_tag"
    not_twins_text = _("These two tags will not be suggested again.")
    set_different = staticmethod(twins.set_different)

    def twins_page(self, request: HttpRequest) -> HttpResponse:
        page = Paginator(twins.stored(), _PER_PAGE).get_page(request.GET.get("page"))
        pairs = list(page.object_list)
        tags: list[Any] = curation.with_counts({pk for pair in pairs for pk in (pair.first_id, pair.second_id)})
        counts = {tag.pk: tag.post_count for tag in tags}
        merge_url = f"{reverse('admin:tags_tag_merge')}?tags="
        rows = []
        for pair in pairs:
            both = sorted((pair.first, pair.second), key=lambda tag: -counts.get(tag.pk, 0))
            both_counted = [(tag, counts.get(tag.pk, 0)) for tag in both]
            rows.append(twins_row(both_counted, Likeness(pair.reason), merge_url))
        return self.own_page(
            request,
            "admin/tags/twins.html",
            gettext("Duplicate tags"),
            rows=rows,
            page=page,
            found_at=pairs[0].found_at if pairs else None,
        )

    def search(self, request: HttpRequest) -> None:
        count = twins.search()
        text = (
            ngettext("%d pair of possible duplicates found.", "%d pairs of possible duplicates found.", count) % count
        )
        self.message_user(request, text if count else gettext("No duplicates found."), messages.SUCCESS)

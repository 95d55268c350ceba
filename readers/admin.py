"""The page of reader figures, and the settings for counting."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core.admin import OneRowAdmin, ReadOnlyAdmin
from core.admin_routes import route
from core.change_list import Tab
from core.site import SiteRequest
from readers.figures import Unit, report
from readers.models import EntryCount, KindCount, ReaderSettings


@admin.register(EntryCount)
class ReadersAdmin(ReadOnlyAdmin):
    """A single page. Users who may view the counts of entries see all figures."""

    has_only_own_views = True

    @route("", "changelist", permission="view")
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        by = request.GET.get("by", "")
        unit = Unit(by) if by in Unit.values else Unit.DAY
        choices = ReaderSettings.of(cast("SiteRequest", request).site)
        return self.own_page(
            request,
            "admin/readers/figures.html",
            _("Readers"),
            tabs=[Tab(str(each.label), f"?by={each}", each == unit) for each in Unit],
            report=report(unit, choices),
            choices=choices,
            has_figures=choices.count_readers or KindCount.objects.exists(),
            may_change_settings=request.user.has_perm("readers.change_readersettings"),
        )


@admin.register(ReaderSettings)
class ReaderSettingsAdmin(OneRowAdmin):
    fieldsets = ((None, {"fields": ("count_readers", "keep_months")}),)

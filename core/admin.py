"""The site's settings in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core.models import SiteSettings, related_settings


class OneRowAdmin(admin.ModelAdmin[Any]):
    """The admin of a model with exactly one row and a class method `current`. It has no list."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        # If the row is missing, these are the defaults.
        return self.model.current() if object_id == "1" else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", 1)


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """The admin of rows that are never added, changed or deleted in forms, only viewed or used in views of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission


@admin.register(SiteSettings)
class SiteSettingsAdmin(OneRowAdmin):
    fieldsets = (
        (_("The site"), {"fields": ("title", "tagline", "footer", "search_engines_welcome")}),
        (_("Lists and feeds"), {"fields": ("entries_per_page", "entries_per_feed", "show_author")}),
    )

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        links = []
        for model in related_settings.values():
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            links.append({"label": capfirst(model._meta.verbose_name), "url": url})
        return super().render_change_form(request, {**context, "related_settings": links}, *args, **kwargs)


def recent_actions(request: HttpRequest) -> dict[str, Any]:
    """Return the last ten actions of this user, for the dashboard."""
    return {"actions": LogEntry.objects.filter(user=request.user.pk).select_related("content_type")[:10]}

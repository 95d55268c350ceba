"""The site's settings in the admin: one row, so there is no list of them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from blog.models import SiteSettings


@admin.register(SiteSettings)
class SiteSettingsAdmin(admin.ModelAdmin[SiteSettings]):
    fieldsets = (
        (_("The site"), {"fields": ("title", "tagline", "footer", "search_engines_welcome")}),
        (_("Lists and feeds"), {"fields": ("entries_per_page", "entries_per_feed", "show_author")}),
        (
            _("Comments"),
            {"fields": ("comments_open", "comment_policy", "close_comments_after_days", "forget_emails_after_days")},
        ),
        (
            _("Against spam"),
            {
                "fields": (
                    *("links_allowed", "comments_per_sender", "comments_per_site"),
                    *("proof_of_work", "keep_spam_days"),
                )
            },
        ),
        (
            _("How comments are shown"),
            {"fields": ("comments_per_page", "show_avatars", "show_pingbacks", "follow_by_mail")},
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SiteSettings | None = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> SiteSettings | None:
        # The defaults, ready to be saved, should the row be missing.
        return SiteSettings.current() if object_id == "1" else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:blog_sitesettings_change", 1)

"""The settings for comments in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from comments.models import CommentSettings
from core.admin import OneRowAdmin


@admin.register(CommentSettings)
class CommentSettingsAdmin(OneRowAdmin):
    fieldsets = (
        (None, {"fields": ("comments_open", "comment_policy", "close_comments_after_days")}),
        (
            _("Spam protection"),
            {"fields": ("links_allowed", "comments_per_sender", "comments_per_site", "proof_of_work")},
        ),
        (_("Display"), {"fields": ("comments_per_page", "show_avatars", "show_pingbacks", "follow_by_mail")}),
        (_("Data retention"), {"fields": ("keep_spam_days", "forget_emails_after_days")}),
    )

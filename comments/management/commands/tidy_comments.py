"""`manage.py tidy_comments`: delete old spam, trash and e-mail addresses. Run it daily."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext, ngettext

from comments.cleanup import tidy
from comments.models import CommentSettings


class Command(BaseCommand):
    help = "Deletes old spam, trash and e-mail addresses as set in the comment settings, and other expired data."

    def handle(self, *args: Any, **options: Any) -> None:
        settings = CommentSettings.current()
        deleted = tidy(settings)
        days = ngettext("older than %d day", "older than %d days", settings.keep_spam_days) % settings.keep_spam_days
        labels = {
            "spam": gettext("Spam deleted, %(days)s") % {"days": days},
            "trash": gettext("Trash deleted, %(days)s") % {"days": days},
            "emails": gettext("E-mail addresses deleted"),
            "rate_counts": gettext("Rate limit counters deleted"),
            "challenges": gettext("Used proofs of work deleted"),
            "followers": gettext("Unconfirmed subscriptions deleted"),
            "notifications": gettext("Old notifications deleted"),
        }
        if not settings.forget_emails_after_days:
            del labels["emails"]
        for key, label in labels.items():
            self.stdout.write(f"{label}: {deleted[key]}")

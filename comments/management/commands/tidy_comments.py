"""`manage.py tidy_comments`: delete spam and trash that were kept long enough, forget old addresses. Run it daily."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext, ngettext

from blog.site import SiteSettings
from comments.tidying import tidy


class Command(BaseCommand):
    help = (
        "Deletes spam and trash older than the site keeps them, and counts of senders and tasks that are over. "
        "Forgets the e-mail addresses of old comments if the site says so."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        site = SiteSettings.current()
        done = tidy(site)
        days = ngettext("older than %d day", "older than %d days", site.keep_spam_days) % site.keep_spam_days
        self.stdout.write(gettext("Spam deleted, %(days)s: %(n)d") % {"days": days, "n": done["spam"]})
        self.stdout.write(gettext("Trash deleted, %(days)s: %(n)d") % {"days": days, "n": done["trash"]})
        if site.forget_emails_after_days:
            self.stdout.write(gettext("E-mail addresses forgotten: %(n)d") % {"n": done["emails"]})
        self.stdout.write(gettext("Counts of senders forgotten: %(n)d") % {"n": done["arrivals"]})
        self.stdout.write(gettext("Used proofs of work forgotten: %(n)d") % {"n": done["challenges"]})
        self.stdout.write(gettext("Addresses forgotten that nobody confirmed: %(n)d") % {"n": done["followers"]})
        self.stdout.write(gettext("Old notices forgotten: %(n)d") % {"n": done["notices"]})

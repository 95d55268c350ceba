from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.caching.warming import warm
from core.progress import show_progress


class Command(BaseCommand):
    help = (
        "Puts the pages that readers reach first into the page cache, for example after an update or an import: the "
        "front page and the pages it links to. The command can be interrupted at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pages", type=int, default=500, metavar="N", help="how many pages at most (default: 500)")

    def handle(self, *args: Any, **options: Any) -> None:
        max_pages = options["pages"]
        if max_pages < 1:
            raise CommandError(_("The number of pages must be at least 1."))
        interrupted = _("Interrupted. The pages requested so far are in the cache.")
        count, failed = 0, []
        with show_progress(self.stderr, interrupted, rate_of=_("Pages")) as update:
            for path, status in warm(max_pages):
                count += status.startswith("200")
                # Readers get redirects and missing pages, too.
                if status.startswith(("400", "5")):
                    failed.append(f"{path} {status}")
                update(_("Pages"), count, max_pages)
        for line in failed:
            self.stderr.write(line)
        if not count:
            text = _("No page could be requested. Add the host of %s to ALLOWED_HOSTS, and check the log.")
            raise CommandError(text % settings.SITE_URL)
        text = ngettext("%d page is in the cache.", "%d pages are in the cache.", count)
        self.stdout.write(text % count)

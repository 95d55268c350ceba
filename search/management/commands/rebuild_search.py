from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from core.progress import show_progress
from search.indexing import count_stale, rebuild


class Command(BaseCommand):
    help = (
        "Brings the search index up to date, which it always is unless something has changed the database directly. "
        "The command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only report what is out of date, and exit with 1")
        parser.add_argument(
            "--from-scratch",
            action="store_true",
            help="rebuild the whole index, so that no trace of removed texts is left",
        )

    def handle(self, *args: Any, check: bool, from_scratch: bool, **options: Any) -> None:
        labels = {"entries": _("Posts and pages"), "comments": _("Comments")}
        interrupted = _("Interrupted. What has been indexed so far is kept. Run the command again to index the rest.")
        with show_progress(self.stderr, interrupted) as update:

            def progress(name: str, done: int, total: int) -> None:
                update(labels[name], done, total)

            changed = count_stale(progress) if check else rebuild(progress, from_scratch=from_scratch)
        if check and changed.total():
            counts = {name: changed[name] for name in labels}
            text = _("Out of date: %(entries)d posts and pages, %(comments)d comments. Run `manage.py rebuild_search`.")
            raise CommandError(text % counts)
        text = _("%(label)s: up to date.") if check else _("%(label)s: up to date (indexed now: %(count)d).")
        for name, label in labels.items():
            self.stdout.write(text % {"label": label, "count": changed[name]})

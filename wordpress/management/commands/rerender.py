from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from blog.models import Page, Post
from blog.rendering.markups import markups
from blog.rerendering import RerenderResult, rerender
from comments.models import Comment
from comments.rerendering import rerender_comments
from core.progress import show_progress
from core.progress_callback import ProgressCallback


class Command(BaseCommand):
    help = (
        "Renders the HTML of all posts, pages and comments again. The sources that their authors wrote do not change. "
        "The command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markup", default="", help="render only posts and pages in this markup, and no comments")

    def handle(self, *args: Any, markup: str, **options: Any) -> None:
        if markup and markup not in markups:
            text = _("There is no markup called “%(name)s”. Available: %(known)s.")
            raise CommandError(text % {"name": markup, "known": ", ".join(markups)})
        results: dict[str, RerenderResult] = {}
        interrupted = _("Interrupted. What has been rendered so far is kept. Run the command again to render the rest.")
        try:
            with show_progress(self.stderr, interrupted) as update:
                for model, label in ((Post, _("Posts")), (Page, _("Pages"))):
                    entries = model.objects.filter(markup=markup) if markup else model.objects.all()
                    progress = _progress_of(update, label, entries.count())
                    rerender(entries, results.setdefault(label, RerenderResult()), progress=progress)
                if not markup:
                    progress = _progress_of(update, _("Comments"), Comment.objects.count())
                    rerender_comments(results.setdefault(_("Comments"), RerenderResult()), progress=progress)
        finally:
            for label, result in results.items():
                counts = {"changed": result.changed, "unchanged": result.unchanged, "failed": len(result.failed)}
                text = _("%(changed)d changed, %(unchanged)d unchanged, %(failed)d not rendered") % counts
                self.stdout.write(f"{label}: {text}")
                for entry, reason in result.failed:
                    self.stdout.write(f"  {entry}: {reason}")


def _progress_of(update: ProgressCallback, label: str, total: int) -> Callable[[int], None]:
    return lambda done: update(label, done, total)

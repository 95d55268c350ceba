"""`manage.py rerender [--markup NAME]`: make the HTML of everything anew from its source."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from blog.models import Page, Post
from blog.rendering import get_markups
from blog.rerendering import Rerendered, rerender
from blog.site import content_changed
from comments.models import Comment
from comments.rerendering import rerender_comments
from wordpress.progress import Tell, shown

_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Makes the HTML of all posts, pages and comments anew from what their authors wrote, which stays as it is. "
        "It can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markup", default="", help="only posts and pages written in this, and no comments")

    def handle(self, *args: Any, markup: str, **options: Any) -> None:
        if markup and markup not in get_markups():
            known = ", ".join(get_markups())
            raise CommandError(
                _("There is no markup “%(name)s”. There are: %(known)s.") % {"name": markup, "known": known}
            )
        results: dict[str, Rerendered] = {}
        try:
            with shown(self.stderr) as tell:
                for model, label in ((Post, _("Posts")), (Page, _("Pages"))):
                    entries = model.objects.filter(markup=markup) if markup else model.objects.all()
                    progress = _of(tell, label, entries.count())
                    rerender(model, results.setdefault(label, Rerendered()), markup=markup, progress=progress)
                if not markup:
                    progress = _of(tell, _("Comments"), Comment.objects.count())
                    rerender_comments(results.setdefault(_("Comments"), Rerendered()), progress=progress)
        except KeyboardInterrupt as interrupt:
            raise CommandError(
                _("Interrupted. What was rendered until then is kept; run it again for the rest."),
                returncode=_INTERRUPTED,
            ) from interrupt
        finally:
            if any(result.changed for result in results.values()):
                content_changed()
            self._print(results)

    def _print(self, results: dict[str, Rerendered]) -> None:
        for label, result in results.items():
            numbers = {"changed": result.changed, "unchanged": result.unchanged, "refused": len(result.refused)}
            self.stdout.write(
                f"{label}: " + _("%(changed)d changed, %(unchanged)d unchanged, %(refused)d not rendered") % numbers
            )
            for entry, reason in result.refused:
                self.stdout.write(f"  {entry}: {reason}")


def _of(tell: Tell, label: str, total: int) -> Callable[[int], None]:
    return lambda done: tell(label, done, total)

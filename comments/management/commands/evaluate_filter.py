"""`manage.py evaluate_filter [--own | --file labelled.jsonl]`: how well does the filter tell spam?"""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from comments import bayes
from comments.evaluation import Labelled, LabelledFileError, Result, evaluate, own_decisions, read_labelled


class Command(BaseCommand):
    help = (
        "Teaches a new filter the first half of some comments, tries it on the second half and says how well it did. "
        "Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--own", action="store_true", help="What moderators here have decided (the default).")
        source.add_argument(
            "--file",
            help='A file of comments in lines of JSON: {"text": "…", "website": "…", "spam": true}; - is the input.',
        )
        parser.add_argument("--decisions", type=int, help="Teach it so many comments instead of half of them.")

    def handle(self, *args: Any, file: str | None, decisions: int | None, **options: Any) -> None:
        try:
            labelled = _labelled(file) if file else own_decisions()
        except (LabelledFileError, UnicodeDecodeError, OSError) as error:
            raise CommandError(str(error)) from error
        spam = sum(one.is_spam for one in labelled)
        if min(spam, len(labelled) - spam) < 2 * bayes.LEAST_LESSONS:
            words = gettext(
                "There are %(spam)d comments that are spam and %(ham)d that are not; %(n)d of each are needed."
            )
            numbers = {"spam": spam, "ham": len(labelled) - spam, "n": 2 * bayes.LEAST_LESSONS}
            raise CommandError(words % numbers)
        self._print(evaluate(labelled, decisions))

    def _print(self, result: Result) -> None:
        judged = sum(result.table.values())
        words = gettext("Learnt from %(learnt)d decisions, tried on %(judged)d others:")
        self.stdout.write(words % {"learnt": result.learnt, "judged": judged})
        self._row("", gettext("called spam"), gettext("held"), gettext("let through"))
        for is_spam, name in ((True, gettext("spam")), (False, gettext("not spam"))):
            self._row(name, *(str(result.table[is_spam, verdict]) for verdict in ("spam", "hold", "")))
        for name, share in (
            (gettext("Precision (of what it calls spam, so much is)"), result.precision),
            (gettext("Recall (of the spam, it calls so much spam)"), result.recall),
            (gettext("Stopped (of the spam, it calls spam or holds so much)"), result.stopped),
        ):
            self.stdout.write(f"{name}: {'–' if share is None else format(share, '.4f')}")

    def _row(self, *cells: str) -> None:
        self.stdout.write("".join(f"{cell:>14}" for cell in cells))


def _labelled(file: str) -> list[Labelled]:
    if file == "-":
        return list(read_labelled(sys.stdin))
    with Path(file).open(encoding="utf-8") as lines:
        return list(read_labelled(lines))

"""`manage.py evaluate_filter [--file labelled.jsonl]`: measure how well the spam filter works."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from comments.rules import bayes
from comments.rules.evaluation import Labelled, evaluate, own_decisions, read_labelled
from core.file_errors import describe_file_error


class Command(BaseCommand):
    help = (
        "Trains a new spam filter with the first half of some comments, tests it on the second half and prints the "
        "results. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file",
            help='read a file of lines like {"text": "…", "website": "…", "spam": true}, or - for standard input, '
            "instead of the decisions of this site's moderators",
        )
        parser.add_argument("--decisions", type=int, help="train with this many comments instead of half of them")

    def handle(self, *args: Any, file: str | None, decisions: int | None, **options: Any) -> None:
        try:
            labelled = _labelled(file) if file else own_decisions()
        except OSError as error:
            raise CommandError(describe_file_error(error)) from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        spam = sum(example.is_spam for example in labelled)
        if min(spam, len(labelled) - spam) < 2 * bayes.MIN_LESSONS:
            message = gettext("There are %(spam)d spam and %(ham)d other comments, but %(n)d of each are needed.")
            counts = {"spam": spam, "ham": len(labelled) - spam, "n": 2 * bayes.MIN_LESSONS}
            raise CommandError(message % counts)
        result = evaluate(labelled, decisions)
        message = gettext("Trained with %(trained)d decisions, tested on %(tested)d others:")
        self.stdout.write(message % {"trained": result.trained, "tested": result.counts.total()})
        self._row("", gettext("marked spam"), gettext("held"), gettext("passed"))
        for is_spam, label in ((True, gettext("spam")), (False, gettext("not spam"))):
            self._row(label, *(str(result.counts[is_spam, verdict]) for verdict in ("spam", "hold", "")))
        for label, share in (
            (gettext("Precision (how much of what it marked is spam)"), result.precision),
            (gettext("Recall (how much of the spam it marked)"), result.recall),
            (gettext("Stopped (how much of the spam it marked or held)"), result.stopped),
        ):
            self.stdout.write(f"{label}: {'–' if share is None else format(share, '.4f')}")

    def _row(self, *cells: str) -> None:
        self.stdout.write("".join(f"{cell:>14}" for cell in cells))


def _labelled(file: str) -> list[Labelled]:
    with nullcontext(sys.stdin) if file == "-" else Path(file).open(encoding="utf-8", errors="replace") as lines:
        return list(read_labelled(lines))

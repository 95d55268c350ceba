"""`manage.py worker`: run tasks and the schedule."""

import argparse
import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations.worker.long_tasks import LongTasks
from operations.worker.queue import Share
from operations.worker.running import STOP_AFTER, Worker


class Command(BaseCommand):
    help = (
        "Does the site's background work: tasks such as imports, mail and smaller copies of images, and regular jobs "
        "such as backups. Runs until it is told to stop. Several workers share the work."
    )
    # It waits until the database exists and is migrated.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do what is due and exit: for cron, where no process can keep running"
        )
        parser.add_argument(
            "--stop-after",
            type=float,
            default=STOP_AFTER,
            metavar="SECONDS",
            help="how long a running task may take to finish after SIGTERM or Ctrl-C, before it is interrupted and "
            "left to the next worker (default: %(default)s)",
        )
        # Only used by a worker that starts its process for long tasks.
        parser.add_argument("--long", default="", metavar="NAME", help=argparse.SUPPRESS)

    def handle(self, *args: Any, once: bool, stop_after: float, long: str, verbosity: int, **options: Any) -> None:
        if verbosity == 0:
            for name in ("django.tasks", "operations.worker"):
                logging.getLogger(name).setLevel(logging.ERROR)
        if long:
            Worker(stop_after=stop_after, name=long, share=Share.LONG).run(once=True)
        else:
            long_tasks = LongTasks([f"--stop-after={stop_after}", f"--verbosity={verbosity}"])
            Worker(stop_after=stop_after, share=Share.SHORT, long_tasks=long_tasks).run(once=once)

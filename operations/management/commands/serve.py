"""`manage.py serve`: the web server and the worker, in one command."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from operations.serving.supervisor import add_arguments, to_arguments


class Command(BaseCommand):
    help = (
        "Starts the web server and the worker, and restarts each if it stops. SIGHUP replaces both, for a new version "
        "or changed settings, without losing a request."
    )
    # The web server and the worker wait for what is missing, and report it.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # This process becomes another one, which needs no Django and little memory. Variables from `.env` are left out
        # of its environment, so that programs that it starts later read the file again.
        environment = {name: value for name, value in os.environ.items() if name not in settings.BROADSIDE_FROM_FILE}
        os.chdir(settings.BASE_DIR)
        sys.stdout.flush()
        command = [sys.executable, "-m", "operations.serving.supervisor", *to_arguments(options)]
        os.execve(sys.executable, command, environment)  # noqa: S606  our own program

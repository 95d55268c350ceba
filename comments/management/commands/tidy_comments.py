"""`manage.py tidy_comments`: delete old spam, trash, e-mail addresses and so on, as the worker does daily."""

from typing import Any

from django.core.management.base import BaseCommand

from comments.tidying import tidy


class Command(BaseCommand):
    help = "Deletes old spam, trash and e-mail addresses as set in the comment settings, and other expired data."

    def handle(self, *args: Any, **options: Any) -> None:
        for label, count in tidy().items():
            self.stdout.write(f"{label}: {count}")

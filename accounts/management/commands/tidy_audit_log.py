"""`manage.py tidy_audit_log`: delete old records of the audit log, as the worker does daily.

It can be interrupted at any point, and run concurrently.
"""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from accounts.audit.retention import delete_expired


class Command(BaseCommand):
    help = "Deletes audit log records that are older than AUDIT_KEEP_DAYS and AUDIT_KEEP_FAILED_DAYS allow."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(gettext("Old records deleted from the audit log: %(n)d") % {"n": delete_expired()})

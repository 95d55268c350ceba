"""The worker in the process of the tests, and the desk of the one who imports."""

from unittest.mock import patch

from django.test import Client
from django_tasks_db.management.commands.db_worker import Worker

from wordpress.models import Import

UPLOAD = "/admin/wordpress/import/add/"


def work() -> None:
    """Do all tasks that are due, as `manage.py db_worker --batch` does."""
    worker = Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="tests",
        excluded_queue_names=[],
    )
    # The connection is that of the test.
    with patch("django_tasks_db.management.commands.db_worker.close_old_connections"):
        worker.run()


def address(found: Import, action: str = "change") -> str:
    return f"/admin/wordpress/import/{found.pk}/{action}"


def press(client: Client, found: Import, step: str, **chosen: str) -> None:
    """Press the button that does `step`."""
    client.post(address(found, "start/"), {"step": step, **chosen})

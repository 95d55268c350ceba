"""Import jobs in the admin: URLs, uploads and buttons."""

import uuid
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories.wxr import attachment, export, item
from wordpress.models import ImportJob

LIST_URL = "/admin/wordpress/importjob/"
UPLOAD_URL = f"{LIST_URL}add/"


def job_url(job: ImportJob, action: str = "change/") -> str:
    return f"{LIST_URL}{job.pk}/{action}"


def export_file(content: str | bytes = "", name: str = "blog.xml") -> SimpleUploadedFile:
    content = content or export(item(7), attachment(8))
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def upload(client: Client, *files: SimpleUploadedFile, key: uuid.UUID | None = None) -> Any:
    return client.post(UPLOAD_URL, {"key": str(key or uuid.uuid4()), "exports": list(files or [export_file()])})


def start(client: Client, job: ImportJob, step: str, **options: str) -> None:
    """Press the button that starts `step`."""
    client.post(job_url(job, "start/"), {"step": step, **options})

"""Fixtures for the import and export tests."""

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from blog.rendering.moved_files import resolve_files
from tests.factories.import_jobs import upload
from tests.factories.types import Uploaded, Work
from wordpress.importing.analysis import Analysis
from wordpress.importing.context import ImportContext
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.report import Report
from wordpress.importing.spool import open_spool
from wordpress.models import ImportJob, ImportRun


@pytest.fixture
def context(db: None) -> Iterator[ImportContext]:
    """Return the context of an import of an empty export."""
    analysis = Analysis()
    with open_spool() as spool, RenderPool(spool, 0, resolve_files, ahead=False) as renderer:
        run = ImportRun.objects.create()
        yield ImportContext(analysis, spool, renderer, Report(), run, {})


@pytest.fixture
def uploaded(work: Work) -> Uploaded:
    """Return a function that uploads files and has them analysed."""

    def uploaded(client: Client, *files: SimpleUploadedFile) -> ImportJob:
        upload(client, *files)
        work()
        return ImportJob.objects.get()

    return uploaded

"""The folder that the blog was in: every URL in it leads to the same URL here without the folder."""

from functools import partial

from blog.models.redirect import add_folder, folder_path
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import folder_of


def redirect_folder(context: ImportContext) -> None:
    """Redirect the folder of a blog that was not at the root of its host, unless it is redirected already."""
    if folder := folder_of(context.analysis.base_url):
        write_batch(context, partial(_write, context, folder))


def _write(context: ImportContext, folder: str) -> None:
    if add_folder(folder):
        context.ledger.add_redirects([folder_path(folder)])

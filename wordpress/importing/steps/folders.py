"""The folders that the blog was in. Every URL in them is redirected to the same URL here without the folder."""

from collections.abc import Sequence
from typing import Final

from blog.models.redirect import add_folder, folder_path, is_folder_path, normalise_path
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.redirects import folder_of

# No real blog has been in more folders.
_MAX_FOLDERS: Final = 50


def redirect_folders(context: ImportContext) -> None:
    """Redirect the folder of a blog that was not at the root of its host, and earlier folders that the export lists."""
    listed = [url for url in context.analysis.legacy_urls if is_folder_path(normalise_path(url))]
    folders = {*map(folder_path, listed[:_MAX_FOLDERS])}
    if folder := folder_of(context.analysis.base_url):
        folders.add(folder_path(folder))
    if folders:
        write_batch(context, _write, context, sorted(folders))


def _write(context: ImportContext, paths: Sequence[str]) -> None:
    context.ledger.add_redirects([path for path in paths if add_folder(path)])

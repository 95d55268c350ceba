"""Storage of styles, scripts, icons, and pages for the errors of the web server in front."""

from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any, Final

from django.core.files.base import ContentFile
from django.http import Http404, HttpRequest, HttpResponse
from rcssmin import cssmin
from rjsmin import jsmin
from whitenoise.storage import CompressedManifestStaticFilesStorage

from blog.caching import public_page
from config.proxy_errors import proxy_errors

_MINIFIERS: Final[dict[str, Callable[[str], str]]] = {".css": cssmin, ".js": jsmin}
# Folders of files that others made, which stay as they are.
_OTHERS: Final = ("admin/", "vendor/", "markdownx/")


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Static files, compressed and named by their content. Our styles and scripts are also minified.

    Files that `collectstatic` has not collected yet keep their plain names. So if the owner forgot to run it after the
    installation or an update, the site still works, only more slowly.
    """

    # Modules import each other under names that change with their content.
    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            for name in paths:
                self._minify(name)
            # The collected files, and not those in their source folders.
            paths = {name: (self, name) for name in paths}
        yield from super().post_process(paths, dry_run, **options)
        if not dry_run:
            for name, page in proxy_errors([self.url("css/site.css"), self.url("css/bare.css")]):
                self.delete(name)
                self._save(name, ContentFile(page))

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hash_key(self.clean_name(name)) in self.hashed_files else name

    def compress_files(self, paths: Set[str]) -> Iterator[tuple[str, str]]:
        """Compress only the files that pages link to, and not their copies with plain names."""
        yield from super().compress_files(paths & set(self.hashed_files.values()))

    def _minify(self, name: str) -> None:
        """Minify a file, unless others made it. A file that is already minified stays the same."""
        minify = _MINIFIERS.get(Path(name).suffix)
        if minify and not name.startswith(_OTHERS):
            path = Path(self.path(name))
            # A link made by `collectstatic --link` points to the file in the project.
            if not path.is_symlink():
                path.write_text(minify(path.read_text("utf-8")), "utf-8")


@public_page
def missing_file(request: HttpRequest, path: str) -> HttpResponse:
    """Answer that the file doesn't exist: those that do are served by WhiteNoise.

    Without this view, there could be a page at that path, with a slash at its end, to which Django would redirect.
    """
    raise Http404

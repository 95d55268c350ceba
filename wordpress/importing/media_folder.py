"""The files of the old site in a folder: an unpacked media export of WordPress.com, or `wp-content`."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from blog.models.redirect import normalise_path
from wordpress.importing.media_source import MissingFileError, file_name
from wordpress.models import Attachment

_PARENT_FOLDERS = re.compile(r"/(?:(?:wp-content/)?uploads/|media/)?(?:sites/[0-9]+/)?")
_SCALED = re.compile(r"-scaled(?=\.[A-Za-z0-9]+$)")


class MediaFolder:
    """Finds files by their path on the old site, or by their name alone if only one file had it.

    Percent-encoding and Unicode normalisation do not matter. Symbolic links are not followed.
    """

    def __init__(self, root: Path) -> None:
        """Raises OSError if `root` is not a readable folder."""
        with os.scandir(root):
            self._root = root
        self._name_counts = cache(_count_names)

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        path = self._find(attachment)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise MissingFileError(_("It is not in the folder."))
            yield file

    def _find(self, attachment: Attachment) -> Path:
        paths = [path for path in (attachment.path, attachment.former_path) if path]
        # WordPress scales down very large pictures, and there may be only the original.
        paths += [_SCALED.sub("", path) for path in paths]
        for path in dict.fromkeys(paths):
            rest = _PARENT_FOLDERS.sub("", path, count=1)
            for candidate in (path.lstrip("/"), f"uploads/{rest}", f"media/{rest}", rest):
                if candidate in self._files:
                    return self._files[candidate]
        name = file_name(attachment)
        if name not in self._files:
            raise MissingFileError(_("It is not in the folder."))
        if self._name_counts(attachment.site)[name] != 1:
            raise MissingFileError(_("Several files had this name. Keep the folders by year and month."))
        return self._files[name]

    @cached_property
    def _files(self) -> dict[str, Path]:
        """All files of the folder by their decoded path in it."""
        found: dict[str, Path] = {}
        for folder, _folders, names in os.walk(self._root, followlinks=False):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink() and path.is_file():
                    key = os.fsencode(path.relative_to(self._root)).decode(errors="replace")
                    found.setdefault(normalise_path(key), path)
        return found


def _count_names(site: str) -> Counter[str]:
    """Return how many files of the site had each name."""
    paths = Attachment.objects.filter(site=site).values_list("path", flat=True)
    return Counter(path.rpartition("/")[2] for path in paths.iterator(1000))

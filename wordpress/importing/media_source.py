"""Where the files of the old site come from: a folder, or the site itself."""

import os
import re
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from blog.models.redirect import normalise_path
from core.http import FetchError, ForbiddenHostError, HTTPClient, TooLargeError, host_of
from media import pictures
from wordpress.importing.analysis import Analysis
from wordpress.legacy_urls.moved_files import aliases_of
from wordpress.legacy_urls.query_forms import PICTURE_EXTENSIONS
from wordpress.models import Attachment

_PARENT_FOLDERS = re.compile(r"/(?:(?:wp-content/)?uploads/|media/)?(?:sites/[0-9]+/)?")
_SCALED = re.compile(r"-scaled(?=\.[A-Za-z0-9]+$)")
_ATTEMPTS: Final = 3
# The longest wait between two attempts, in seconds.
_MAX_WAIT: Final = 60
# After this many files in a row that a host failed to deliver, nothing more is requested from it.
_MAX_FAILURES: Final = 3
# Bytes. Larger files are written to disk.
_IN_MEMORY: Final = 1024 * 1024


class MissingFileError(Exception):
    """A file cannot be imported. The message says why in one sentence."""


class MediaFolder:
    """A folder: an unpacked media export of WordPress.com, or `wp-content`.

    Files are found by their path on the old site, or by their name alone if only one file had it. Percent-encoding and
    Unicode normalisation do not matter. Symbolic links are not followed.
    """

    def __init__(self, root: Path) -> None:
        """Raises OSError if `root` is not a readable folder."""
        with os.scandir(root):
            self._root = root
        self._name_counts = cache(_count_names)

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        """Open the file of `attachment` for reading. Raises MissingFileError."""
        descriptor = os.open(self._find(attachment), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
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


class MediaDownload:
    """Downloads from `hosts` and their aliases at WordPress.com only: an export can name any URL."""

    def __init__(self, hosts: Iterable[str], *, sleep: Callable[[float], object] = time.sleep, **options: Any) -> None:
        self._client = HTTPClient(hosts=aliases_of(hosts), **options)
        self._sleep = sleep
        self._failures: Counter[str] = Counter()

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        """Open the file of `attachment` for reading. Raises MissingFileError."""
        # On the data disk: the system's folder for temporary files may be in memory.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as file:
            self._download_with_retries(attachment, file)
            file.seek(0)
            yield file  # type: ignore[misc]  # it has all that a file opened for reading has

    def _download_with_retries(self, attachment: Attachment, file: Any) -> None:
        host = host_of(attachment.url)
        if self._failures[host] >= _MAX_FAILURES:
            raise MissingFileError(_("“%s” failed to answer several times, so it wasn't asked again.") % host)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._client.download(attachment.url, file, max_bytes=_size_limit(attachment))
            except TooLargeError as error:
                check_size(attachment, error.size)
                raise
            except ForbiddenHostError as error:
                text = _("The URL points to “%s”, which isn't the exported site.")
                raise MissingFileError(text % error.host) from error
            except FetchError as error:
                if not error.is_temporary or attempt == _ATTEMPTS:
                    self._failures[host] += error.is_temporary
                    raise MissingFileError(str(error)) from error
                wait = 2.0**attempt if error.retry_after is None else error.retry_after
                self._sleep(min(wait, _MAX_WAIT))
            else:
                self._failures[host] = 0
                return


type MediaSource = MediaFolder | MediaDownload


def hosts_of(analysis: Analysis, site: str = "") -> set[str]:
    """Return the hosts that files may come from: the export's, that of `site` (as recorded), and our former ones."""
    return {*map(host_of, (analysis.base_url, analysis.site_url, site)), *settings.BROADSIDE_FORMER_HOSTS} - {""}


def file_name(attachment: Attachment) -> str:
    """Return the decoded name of the file on the old site, for display: it may not be a valid file name."""
    return attachment.path.rpartition("/")[2]


def is_picture(attachment: Attachment) -> bool:
    return PurePath(file_name(attachment)).suffix.lower() in PICTURE_EXTENSIONS


def check_size(attachment: Attachment, size: int) -> None:
    """Raise MissingFileError if `size` bytes are too many for the file."""
    limit = _size_limit(attachment)
    if size > limit:
        text = _("It is larger than %s.")
        if not is_picture(attachment):
            text = _("It is larger than %s. Set IMPORT_FILE_MAX_MB to a higher value and import again.")
        raise MissingFileError(text % filesizeformat(limit))


def _size_limit(attachment: Attachment) -> int:
    return pictures.MAX_BYTES if is_picture(attachment) else int(settings.BROADSIDE_IMPORT_FILE_MAX_BYTES)


def _count_names(site: str) -> Counter[str]:
    """Return how many files of the site had each name."""
    paths = Attachment.objects.filter(site=site).values_list("path", flat=True)
    return Counter(path.rpartition("/")[2] for path in paths.iterator(1000))

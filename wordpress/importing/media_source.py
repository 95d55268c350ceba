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
from django.utils.translation import gettext_lazy

from blog.models.redirect import normalise_path
from core.http import FetchError, ForbiddenHostError, HTTPClient, TooLargeError, host_of
from core.text import one_line
from media import pictures
from media.file_types import IMAGE_EXTENSIONS
from wordpress.importing.analysis import Analysis
from wordpress.legacy_urls.file_urls import PICTURE_MAKERS, aliases_of, without_host
from wordpress.models import Attachment

# What comes before the year in the path of an upload: the blog may have been in a folder, or in a network of blogs.
_PARENT_FOLDERS = re.compile(
    r"(?:/[^/]+){0,4}?/(?:wp-content/blogs\.dir/[0-9]+/files|(?:wp-content/)?uploads|files)/|/media/|/"
)
_SITE_FOLDER = re.compile(r"sites/[0-9]+/")
_SCALED = re.compile(r"-scaled(?=\.[A-Za-z0-9]+$)")
_ATTEMPTS: Final = 3
# The longest wait between two attempts, in seconds.
_MAX_WAIT: Final = 60
# After this many files in a row that a host failed to deliver, nothing more is requested from it.
_MAX_FAILURES: Final = 3
# The same for hosts of other sites, most of which are gone for good after many years.
_MAX_FAILURES_OF_OTHERS: Final = 1
# The labels of the two kinds of download in the admin's import form.
FROM_OLD_SITE: Final = gettext_lazy("Download pictures, documents, audio and video from the old site")
FROM_OTHER_SITES: Final = gettext_lazy("Also download the files that texts show from other sites")
# Bytes. Larger files are written to disk.
_IN_MEMORY: Final = 1024 * 1024


class MissingFileError(Exception):
    """A file cannot be imported. The message says why in one sentence.

    `is_gone` is true if its host answered that the file no longer exists.
    """

    def __init__(self, message: str, *, is_gone: bool = False) -> None:
        super().__init__(message)
        self.is_gone = is_gone


class MediaFolder:
    """A folder: an unpacked media export of WordPress.com, or `wp-content`.

    Files are found by their path on the old site, or by their name alone if only one file had it. Percent-encoding and
    Unicode normalisation do not matter. Symbolic links are not followed.
    """

    everywhere = False

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
        paths = [without_host(path) for path in (attachment.path, attachment.former_path) if path]
        # WordPress scales down very large pictures, and the folder may contain only the original.
        paths += [_SCALED.sub("", path) for path in paths]
        for path in dict.fromkeys(paths):
            rest = _PARENT_FOLDERS.sub("", path, count=1)
            candidates = [path.lstrip("/")]
            for each in (rest, _SITE_FOLDER.sub("", rest, count=1)):
                candidates += (f"{folder}{each}" for folder in ("wp-content/uploads/", "uploads/", "media/", ""))
            for candidate in candidates:
                if candidate in self._files:
                    return self._files[candidate]
        name = attachment.path.rpartition("/")[2]
        if name not in self._files:
            raise MissingFileError(_("It is not in the folder."))
        if self._name_counts(attachment.site)[name] != 1:
            raise MissingFileError(_("Several files had this name. Keep the folders by year and month."))
        return self._files[name]

    @cached_property
    def _files(self) -> dict[str, Path]:
        """All files in the folder, by their decoded path relative to it."""
        found: dict[str, Path] = {}
        for folder, _folders, names in os.walk(self._root, followlinks=False):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink() and path.is_file():
                    key = os.fsencode(path.relative_to(self._root)).decode(errors="replace")
                    found.setdefault(normalise_path(key), path)
        return found


class MediaDownload:
    """Downloads from `hosts` and their aliases at WordPress.com only, because an export can contain any URL.

    With `everywhere`, files that texts show from other hosts are downloaded from those too.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        everywhere: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        **options: Any,
    ) -> None:
        self._client = HTTPClient(hosts=aliases_of(hosts), **options)
        self._client_for_others = HTTPClient(**options)
        self.everywhere = everywhere
        self._sleep = sleep
        self._failures: Counter[str] = Counter()

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        """Open the file of `attachment` for reading. Raises MissingFileError."""
        client = self._client_for_others if attachment.on_other_host else self._client
        # On the data disk, because the system's temporary folder may be in memory.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as file:
            try:
                self._download_with_retries(client, attachment, attachment.url, file)
            except MissingFileError as error:
                if attachment.wordpress_id is not None or not attachment.guid or not error.is_gone:
                    raise
                # The original no longer exists, or the name only looks like that of a resized copy.
                self._download_with_retries(client, attachment, attachment.guid, file)
            file.seek(0)
            yield file  # type: ignore[misc]  # it supports everything that readers need

    def _download_with_retries(self, client: HTTPClient, attachment: Attachment, url: str, file: Any) -> None:
        host = host_of(url)
        if self._failures[host] >= (_MAX_FAILURES_OF_OTHERS if attachment.on_other_host else _MAX_FAILURES):
            raise MissingFileError(_("“%s” failed to respond several times, so it wasn't tried again.") % host)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                client.download(url, file, max_bytes=_size_limit(attachment))
            except TooLargeError as error:
                check_size(attachment, error.size)
                raise
            except ForbiddenHostError as error:
                text = _("The URL points to “%s”, which isn't the exported site.")
                raise MissingFileError(text % error.host) from error
            except FetchError as error:
                if not error.is_temporary or attempt == _ATTEMPTS:
                    self._failures[host] += error.is_temporary
                    raise MissingFileError(str(error), is_gone=error.is_gone) from error
                wait = 2.0**attempt if error.retry_after is None else error.retry_after
                self._sleep(min(wait, _MAX_WAIT))
            else:
                self._failures[host] = 0
                return


type MediaSource = MediaFolder | MediaDownload


def hosts_of(analysis: Analysis, site: str = "") -> set[str]:
    """Return the hosts that files may come from: the export's, the one of `site` as recorded, and our former hosts."""
    return {*analysis.hosts, host_of(site), *settings.BROADSIDE_FORMER_HOSTS} - {""}


def file_name(attachment: Attachment) -> str:
    """Return the decoded name of the file on the old site. It is for display and may not be a valid file name."""
    path = attachment.path.partition("?")[0] if attachment.on_other_host else attachment.path
    return one_line(path.rpartition("/")[2])


def is_picture(attachment: Attachment) -> bool:
    extension = PurePath(file_name(attachment)).suffix.lower()
    # A file without an item is known only from texts, and with such an extension only if it is shown as a picture.
    return extension in IMAGE_EXTENSIONS or (attachment.wordpress_id is None and extension in PICTURE_MAKERS)


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
    paths = Attachment.objects.filter(site=site, on_other_host=False).values_list("path", flat=True)
    return Counter(path.rpartition("/")[2] for path in paths.iterator(1000))

"""Downloading files from the old site, with retries. An export can name any URL, so no other host is contacted."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from core.http import FetchError, ForbiddenHostError, HTTPClient, TooLargeError, host_of
from wordpress.importing.analysis import Analysis
from wordpress.importing.media_source import MissingFileError, check_size, size_limit
from wordpress.legacy_urls.moved_files import aliases_of
from wordpress.models import Attachment

_ATTEMPTS: Final = 3
# The longest wait between two attempts, in seconds.
_MAX_WAIT: Final = 60
# After this many files in a row that a host failed to deliver, nothing more is requested from it.
_MAX_FAILURES: Final = 3
# Bytes. Larger files are written to disk.
_IN_MEMORY: Final = 1024 * 1024


class MediaDownload:
    """Downloads from `hosts` and their aliases at WordPress.com, one file at a time. HTTPClient takes `options`."""

    def __init__(self, hosts: Iterable[str], *, sleep: Callable[[float], object] = time.sleep, **options: Any) -> None:
        self._client = HTTPClient(hosts=aliases_of(hosts), **options)
        self._sleep = sleep
        self._failures: Counter[str] = Counter()

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
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
                self._client.download(attachment.url, file, max_bytes=size_limit(attachment))
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


def hosts_of(analysis: Analysis, site: str = "") -> set[str]:
    """Return the hosts that files of an export may come from: those of its blog, and the former hosts of this site.

    `site` is the URL under which the blog is recorded.
    """
    return {*map(host_of, (analysis.base_url, analysis.site_url, site)), *settings.BROADSIDE_FORMER_HOSTS} - {""}

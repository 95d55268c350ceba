"""Downloading the files of the old site: only from there, and with patience. An export names any URL it likes."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from core.http import DEADLINE, TIMEOUT, FetchError, ForbiddenHostError, HTTPClient, TooLargeError, host_of
from wordpress.importing.analysis import Analysis
from wordpress.importing.media_source import MissingFileError, check_size, size_limit
from wordpress.legacy_urls.moved_files import aliases_of
from wordpress.models import Attachment

_TRIES: Final = 3
# The longest wait between two tries, in seconds.
_MAX_WAIT: Final = 60
# After so many files in a row that a host did not give us, nothing more is requested from it.
_MAX_FAILURES: Final = 3
# Larger files are written to the disk, in bytes.
_IN_MEMORY: Final = 1024 * 1024


class MediaDownload:
    """Downloads from `hosts` and what WordPress.com calls them, one file at a time. See HTTPClient for the options."""

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        allow_private: bool = False,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = HTTPClient(
            hosts=aliases_of(hosts), timeout=timeout, deadline=deadline, allow_private=allow_private
        )
        self._sleep = sleep
        self._failures: Counter[str] = Counter()

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        # On the data disk: the system's folder for temporary files may be in memory.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as file:
            self._download_patiently(attachment, file)
            file.seek(0)
            yield file  # type: ignore[misc]  # it has all that a file opened for reading has

    def _download_patiently(self, attachment: Attachment, file: Any) -> None:
        host = host_of(attachment.url)
        if self._failures[host] >= _MAX_FAILURES:
            raise MissingFileError(_("“%s” failed to answer several times, so it wasn't asked again.") % host)
        for attempt in range(1, _TRIES + 1):
            try:
                self._client.download(attachment.url, file, max_bytes=size_limit(attachment))
            except TooLargeError as error:
                check_size(attachment, error.size)
                raise
            except ForbiddenHostError as error:
                raise MissingFileError(
                    _("The URL points to “%s”, which isn't the exported site.") % error.host
                ) from error
            except FetchError as error:
                if not error.is_temporary:
                    raise MissingFileError(str(error)) from error
                if attempt == _TRIES:
                    self._failures[host] += 1
                    raise MissingFileError(str(error)) from error
                wait = 2.0**attempt if error.retry_after is None else error.retry_after
                self._sleep(min(wait, _MAX_WAIT))
            else:
                self._failures[host] = 0
                return


def hosts_of(analysis: Analysis, site: str = "") -> set[str]:
    """Return the hosts that files of an export may come from: its own, and the former hosts of this site.

    `site` is the URL under which the blog is recorded.
    """
    return {*map(host_of, (analysis.base_url, analysis.site_url, site)), *settings.BROADSIDE_FORMER_HOSTS} - {""}

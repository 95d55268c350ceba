"""Media files in S3-compatible object storage: the optional extra `s3`.

Readers can't tell where files are stored: this site serves them from `/media/`, so browsers contact no third party,
the bucket can be private, and no link changes when files move there or back.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, Final
from urllib.parse import urljoin

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader
from botocore.session import get_session
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage

from media.storage import Readable, StorageUnavailableError, StoredFile

# In bytes. Larger files are spooled to disk.
_IN_MEMORY: Final = 4 * 1024 * 1024
# The longest key that S3 accepts, in bytes.
_MAX_KEY: Final = 1024
# The status of a conditional write whose key is taken.
_TAKEN: Final = 412
# Reads the description of S3, which takes 0.1 s and some megabytes, once for all clients.
_LOADER: Final = create_loader()
# Timeouts are in seconds. Other servers don't know S3's newer checksums.
_CLIENT: Final = Config(
    connect_timeout=3,
    read_timeout=20,
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 2},
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _status_of(error) == 404:
            raise FileNotFoundError(str(error)) from error
        raise StorageUnavailableError(f"The object storage returned an error: {error}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailableError(f"The object storage failed: {error}") from error


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


class BucketStorage(S3Storage):  # type: ignore[misc]  # it has no types
    """Files in a bucket, with the same behaviour as `MediaStorage`."""

    file_overwrite = False
    client_config = _CLIENT
    # Only our own setting counts, not environment variables meant for other programs.
    security_token = None
    session_profile = None

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR))  # noqa: SIM115  # the caller closes it
        try:
            with _as_os_errors():
                self._client.download_fileobj(self.bucket_name, self._key(name), file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return File(file, name)

    def _save(self, name: str, content: Any) -> str:
        name = self._reserve(name)
        try:
            with _as_os_errors():
                super()._save(name, content)
        except BaseException:
            with suppress(OSError):
                self.delete(name)
            raise
        return name

    def _reserve(self, name: str) -> str:
        """Store an empty file under this name, or under another one if it is taken, and return the name."""
        while True:
            try:
                with _as_os_errors():
                    self._client.put_object(Bucket=self.bucket_name, Key=self._key(name), Body=b"", IfNoneMatch="*")
            except OSError as error:
                if not (isinstance(error.__cause__, ClientError) and _status_of(error.__cause__) == _TAKEN):
                    raise
                name = self.get_available_name(name)
            else:
                return name

    def replace(self, name: str, content: Any) -> None:
        """Replace the file of this name with `content`, or leave it unchanged if that fails."""
        with _as_os_errors():
            super()._save(name, content)

    def move(self, name: str, new_name: str) -> None:
        """Rename a file, replacing any file that already has the new name."""
        source = {"Bucket": self.bucket_name, "Key": self._key(name)}
        with _as_os_errors():
            self._client.copy(source, self.bucket_name, self._key(new_name))
        self.delete(name)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the sizes in bytes of all files whose names begin with `prefix`, by name."""
        pages = self._client.get_paginator("list_objects_v2")
        start = f"{self.location}/".lstrip("/")
        with _as_os_errors():
            return {
                each["Key"].removeprefix(start): each["Size"]
                for page in pages.paginate(Bucket=self.bucket_name, Prefix=start + prefix)
                for each in page.get("Contents", [])
            }

    def find(self, name: str) -> StoredFile | None:
        """Return the file with this name, which may be any string; None if there is no such file. Raises OSError."""
        try:
            key = self._key(name)
            if "\0" in key or len(key.encode()) > _MAX_KEY:
                return None
            with _as_os_errors():
                head = self._client.head_object(Bucket=self.bucket_name, Key=key)
        except (SuspiciousOperation, UnicodeEncodeError, FileNotFoundError):
            return None

        def open_part(positions: range | None) -> Readable:
            part = {"Range": f"bytes={positions[0]}-{positions[-1]}"} if positions else {}
            with _as_os_errors():
                body: Readable = self._client.get_object(Bucket=self.bucket_name, Key=key, **part)["Body"]
            return body

        return StoredFile(head["ContentLength"], head["LastModified"].timestamp(), open_part)

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Return the URL on this site."""
        return urljoin(settings.MEDIA_URL, (filepath_to_uri(name) or "").lstrip("/"))

    def delete(self, name: str) -> None:
        with _as_os_errors():
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _as_os_errors():
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _as_os_errors():
            folders, files = super().listdir(path)
        return folders, files

    def size(self, name: str) -> int:
        with _as_os_errors():
            return int(super().size(name))

    def _create_session(self) -> boto3.Session:
        session = get_session()
        session.register_component("data_loader", _LOADER)
        return boto3.Session(self.access_key, self.secret_key, botocore_session=session)

    @cached_property
    def _client(self) -> Any:
        # Shared by all threads, which is safe. Creating one for each would take longer than most requests.
        return self._create_session().client(
            "s3", endpoint_url=self.endpoint_url, region_name=self.region_name, config=self.client_config
        )

    def _key(self, name: str) -> str:
        return str(self._normalize_name(name))

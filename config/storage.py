"""The storage of uploaded files, from a URL such as `s3://KEY:SECRET@s3.example.org/bucket`."""

from typing import Any

from media.bucket_urls import bucket_options


def media_storage(url: str) -> dict[str, Any]:
    """Return the storage of uploaded files for STORAGES. Without a `url` they are in MEDIA_ROOT.

    Key and secret are percent-encoded. Raises ImproperlyConfigured if the URL is invalid, or its client is not
    installed.
    """
    if not url:
        return {"BACKEND": "media.storage.MediaStorage"}
    return {"BACKEND": "media.bucket.BucketStorage", "OPTIONS": bucket_options(url, "STORAGE_URL")}

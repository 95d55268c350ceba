"""The storage of uploaded files, from a URL such as `s3://KEY:SECRET@s3.example.org/bucket`."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# With and without encryption on the way to the server.
_SCHEMES = {"s3": "https", "s3+http": "http"}


def media_storage(url: str) -> dict[str, Any]:
    """Return the storage of uploaded files for STORAGES. Without a `url` they are in MEDIA_ROOT.

    Key and secret are percent-encoded. Raises ImproperlyConfigured if the URL is invalid, or its client missing.
    """
    if not url:
        return {"BACKEND": "media.storage.MediaStorage"}
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    bucket, _slash, folder = parts.path.strip("/").partition("/") if host else ("", "", "")
    if not (bucket and parts.scheme in _SCHEMES and parts.username and parts.password):
        # Without the URL, which may contain the secret.
        raise ImproperlyConfigured(
            "STORAGE_URL is not valid. It should look like s3://KEY:SECRET@s3.example.org/bucket?region=eu-west-1, "
            "with characters such as / or + in key and secret percent-encoded."
        )
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            "STORAGE_URL names an object storage, but its client is not installed. Install it with "
            "`uv sync --extra s3`, or remove STORAGE_URL to keep files in BROADSIDE_DATA."
        )
    options = {
        "endpoint_url": f"{_SCHEMES[parts.scheme]}://{host}" + (f":{port}" if port else ""),
        "access_key": unquote(parts.username),
        "secret_key": unquote(parts.password),
        "bucket_name": bucket,
        "location": folder,
        "region_name": parse_qs(parts.query).get("region", ["us-east-1"])[0],
    }
    return {"BACKEND": "media.bucket.BucketStorage", "OPTIONS": options}

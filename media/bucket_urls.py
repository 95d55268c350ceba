"""The URL of a bucket in an object storage, such as `s3://KEY:SECRET@s3.example.org/bucket/folder`."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# With and without TLS.
_SCHEMES = {"s3": "https", "s3+http": "http"}


def bucket_options(url: str, setting: str) -> dict[str, Any]:
    """Return the options of `media.bucket.BucketStorage` for the URL in a setting, with key and secret percent-encoded.

    Raises ImproperlyConfigured if the URL is invalid, or the client is not installed.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    bucket, _slash, folder = parts.path.strip("/").partition("/") if host else ("", "", "")
    if not (bucket and parts.scheme in _SCHEMES and parts.username and parts.password):
        # The message leaves out the URL, which may contain the secret.
        raise ImproperlyConfigured(
            f"{setting} is not valid. It should look like s3://KEY:SECRET@s3.example.org/bucket?region=eu-west-1, "
            "with characters such as / or + in key and secret percent-encoded."
        )
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            f"{setting} names an object storage, but its client is not installed. Install it with "
            f"`uv sync --extra s3`, or change {setting}."
        )
    return {
        "endpoint_url": f"{_SCHEMES[parts.scheme]}://{host}" + (f":{port}" if port else ""),
        "access_key": unquote(parts.username),
        "secret_key": unquote(parts.password),
        "bucket_name": bucket,
        "location": folder,
        "region_name": parse_qs(parts.query).get("region", ["us-east-1"])[0],
    }

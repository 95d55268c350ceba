"""An HTTP client for untrusted URLs. It reaches only public servers, and always gives up in time."""

import datetime as dt
import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Final
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext as _

from core.text import one_line, shorten

_MAX_REDIRECTS: Final = 5
# In bytes per second. Received data extends the deadline accordingly.
_MIN_RATE: Final = 256 * 1024
_CHUNK_SIZE: Final = 64 * 1024
_HEADERS: Final = {"User-Agent": "Broadside", "Accept": "*/*", "Accept-Encoding": "identity"}
_PORTS: Final = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_TEMPORARY: Final = {408, 425, 429}
_GONE: Final = {404, 410}
# The length in characters to which the reason of a failure is shortened.
_MAX_REASON: Final = 200
# The IPv6 prefix in which networks without IPv4 embed IPv4 addresses. Source: RFC 6052.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class FetchError(Exception):
    """A URL could not be fetched. The message says why in one sentence.

    `is_temporary`: another attempt may succeed. `is_gone`: the server has nothing at the URL. `retry_after`: how many
    seconds the server asks us to wait.
    """

    def __init__(
        self, message: str, *, is_temporary: bool = False, is_gone: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.is_temporary = is_temporary
        self.is_gone = is_gone
        self.retry_after = retry_after


class ForbiddenHostError(FetchError):
    """A URL, or a redirect from it, points to a host or a port that is not on the allow-list."""

    def __init__(self, host: str) -> None:
        super().__init__(_("The URL points to “%s”, which is not allowed.") % host)
        self.host = host


class TooLargeError(FetchError):
    """The response is larger than `max_bytes`. `size` is the announced size, or how much was received."""

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__(_("The file is larger than %s.") % filesizeformat(max_bytes))
        self.size = size


class CertificateError(FetchError):
    """The certificate of a server can't be trusted: it has expired, or is for another host or of an unknown issuer."""

    def __init__(self, reason: str) -> None:
        super().__init__(_("The download failed: %s") % reason, is_temporary=True)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Probe:
    """A server's answer: status, headers, the beginning of the body and, over HTTPS, when its certificate expires."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    certificate_expires_at: dt.datetime | None


def status_error(status: int, headers: http.client.HTTPMessage) -> FetchError:
    """Return the error for a response with this status, which is not a success."""
    return FetchError(
        _("The server answered with status %d.") % status,
        is_temporary=status in _TEMPORARY or status >= 500,
        is_gone=status in _GONE,
        retry_after=_parse_retry_after(headers.get("Retry-After", "")),
    )


def host_of(url: str) -> str:
    """Return the host of an absolute http(s) URL, with its port unless it is the default; empty if there is none."""
    try:
        return split_host(urlsplit(url.strip()))
    except ValueError:
        return ""


def split_host(parts: SplitResult) -> str:
    """Return the same as `host_of` for a URL that is already split. Raises ValueError if the port is invalid."""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    return parts.hostname.lower().rstrip(".") + port


def hosts_of_site() -> set[str]:
    """Return the hosts of this site: the current one and former ones."""
    return {host_of(settings.SITE_URL), *settings.BROADSIDE_FORMER_HOSTS}


def is_public(ip_address: str) -> bool:
    """Whether an IP address, or the IPv4 address embedded in it, is on the public internet."""
    ip = ipaddress.ip_address(ip_address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if embedded := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(embedded))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        # Virtual machines still use the site-local addresses of former times, as for the machine that they run on.
        if ip.teredo or ip.is_site_local or int(ip) < 2**32:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@dataclass(frozen=True, kw_only=True)
class HTTPClient:
    """Fetches URLs of the allowed `hosts` (named as by `host_of`) and `ports`, each of them any if None.

    `timeout` limits connecting and each read, and `deadline` the whole fetch with all redirects, both in seconds; large
    files may take longer. `allow_private` permits private addresses, for URLs of the site itself and for tests.
    """

    hosts: Collection[str] | None = None
    ports: Collection[int] | None = None
    timeout: float = 20.0
    deadline: float = 300.0
    allow_private: bool = False

    def download(self, url: str, file: BinaryIO, *, max_bytes: int) -> None:
        """Replace the content of `file` with that of the resource at `url`.

        Raises ForbiddenHostError, TooLargeError, or FetchError itself for everything else, including invalid URLs.
        """
        with self._follow(url) as (_url, connection, response):
            connection.receive(response, file, max_bytes)

    def probe(self, url: str, *, max_bytes: int = 0) -> Probe:
        """Return how the server answers a request for `url`, whatever its status, without following a redirect.

        At most `max_bytes` of the body are received. Raises ForbiddenHostError, or FetchError itself for the rest.
        """
        with self._request(url, time.monotonic() + self.deadline) as (connection, response):
            return connection.probe(response, max_bytes)

    def follow(self, url: str, *, max_bytes: int) -> tuple[str, Probe]:
        """Return the URL that the redirects from `url` lead to, and how the server answers there.

        Otherwise like `probe`. The deadline includes all redirects.
        """
        with self._follow(url) as (found, connection, response):
            return found, connection.probe(response, max_bytes)

    def post(self, url: str, form: Mapping[str, str]) -> Probe:
        """Post a form to `url`, and return the same as `probe`, without the body."""
        with self._request(url, time.monotonic() + self.deadline, form) as (connection, response):
            return connection.probe(response, 0)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The TLS settings, created once, because loading the certificates of the system takes some milliseconds."""
        return ssl.create_default_context()

    @contextmanager
    def _follow(self, url: str) -> "Iterator[tuple[str, _Connection, http.client.HTTPResponse]]":
        """Yield the URL that the redirects from `url` lead to, and what `_request` yields for that URL."""
        deadline = time.monotonic() + self.deadline
        for _redirect in range(_MAX_REDIRECTS + 1):
            with self._request(url, deadline) as (connection, response):
                if response.status not in _REDIRECTS:
                    yield url, connection, response
                    return
                # Servers also send UTF-8 here, which `http.client` takes for Latin-1.
                location = response.headers.get("Location", "").encode("latin-1").decode(errors="replace")
                url = urljoin(url, location)
        raise FetchError(_("The URL redirects too many times."))

    @contextmanager
    def _request(
        self, url: str, deadline: float, form: Mapping[str, str] | None = None
    ) -> "Iterator[tuple[_Connection, http.client.HTTPResponse]]":
        """Yield the response to a request for `url` once its headers have arrived. Every failure becomes a FetchError.

        A `form` is sent with POST.
        """
        try:
            parts = urlsplit(url)
            host = split_host(parts)
            if not host or parts.username is not None:
                raise FetchError(_("The URL is invalid."))
            connection = _Connection(self, parts, deadline)
            is_other_port = self.ports is not None and connection.port not in self.ports
            if is_other_port or (self.hosts is not None and host not in self.hosts):
                raise ForbiddenHostError(host)
            with closing(connection), connection.send_request(form) as response:
                yield connection, response
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(error.verify_message) from error
        except (http.client.InvalidURL, ValueError) as error:
            raise FetchError(_("The URL is invalid.")) from error
        except (OSError, http.client.HTTPException) as error:
            # The message may quote what the server has sent.
            reason = getattr(error, "strerror", None) or one_line(str(error)) or type(error).__name__
            raise FetchError(_("The download failed: %s") % shorten(reason, _MAX_REASON), is_temporary=True) from error


class _Connection(http.client.HTTPConnection):
    """A connection for one request that must be complete by the deadline (a time of the monotonic clock)."""

    def __init__(self, client: HTTPClient, parts: SplitResult, deadline: float) -> None:
        self.default_port = _PORTS[parts.scheme]
        super().__init__(str(parts.hostname), parts.port)
        self._client = client
        self._parts = parts
        self.deadline = deadline
        self.certificate_expires_at: dt.datetime | None = None

    def connect(self) -> None:
        """Connect to the first public address of the host that answers. Raises FetchError if it has none."""
        failure: OSError | None = None
        for family, kind, protocol, _name, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            # Connect to the very address that is checked, without resolving the name again.
            if not self._client.allow_private and not is_public(str(address[0])):
                continue
            # A host may have any number of addresses that don't answer.
            self.check_deadline()
            self.sock = socket.socket(family, kind, protocol)
            try:
                self.sock.settimeout(self._client.timeout)
                self.sock.connect(address)
                break
            except OSError as error:
                self.sock.close()
                failure = error
        else:
            raise failure or FetchError(_("The URL points to a private network."))
        if self._parts.scheme == "https":
            # If this fails, `close` closes the socket below.
            secure = self._client.tls.wrap_socket(self.sock, server_hostname=self.host)
            self.sock = secure
            if certificate := secure.getpeercert():
                expires = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
                self.certificate_expires_at = dt.datetime.fromtimestamp(expires, dt.UTC)

    def check_deadline(self) -> None:
        """Raise FetchError if the deadline has passed."""
        if time.monotonic() > self.deadline:
            raise FetchError(_("The download took too long."), is_temporary=True)

    def send_request(self, form: Mapping[str, str] | None) -> http.client.HTTPResponse:
        """Request the URL, or send a form to it, and return the response once its headers have arrived."""
        target = quote(self._parts.path or "/", safe="/%:@!$&'()*+,;=~")
        if self._parts.query:
            target += "?" + quote(self._parts.query, safe="/%:@!$&'()*+,;=~?")
        if form is None:
            self.request("GET", target, headers=_HEADERS)
        else:
            content_type = {"Content-Type": "application/x-www-form-urlencoded"}
            self.request("POST", target, urlencode(form).encode(), headers=_HEADERS | content_type)
        return self.getresponse()

    def response_class(self, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]  # http.client only calls it
        response = http.client.HTTPResponse(*args, **kwargs)
        response.fp = io.BufferedReader(_TimedReader(response.fp.detach(), self))
        return response

    def probe(self, response: http.client.HTTPResponse, max_bytes: int) -> Probe:
        body = response.read(max_bytes) if max_bytes else b""
        return Probe(response.status, response.headers, body, self.certificate_expires_at)

    def receive(self, response: http.client.HTTPResponse, file: BinaryIO, max_bytes: int) -> None:
        """Replace the content of `file` with that of the response. Raises FetchError unless the status is 200."""
        if response.status != 200:
            raise status_error(response.status, response.headers)
        announced = response.headers.get("Content-Length", "")
        expected = int(announced) if announced.isascii() and announced.isdecimal() and len(announced) < 20 else None
        if expected is not None and expected > max_bytes:
            raise TooLargeError(expected, max_bytes)
        file.seek(0)
        file.truncate()
        size = 0
        while chunk := response.read1(_CHUNK_SIZE):
            size += len(chunk)
            if size > max_bytes:
                raise TooLargeError(size, max_bytes)
            self.deadline += len(chunk) / _MIN_RATE
            file.write(chunk)
        if expected is not None and size < expected:
            raise FetchError(_("Only part of the file was received."), is_temporary=True)


class _TimedReader(io.RawIOBase):
    """Reads until the deadline. A server that sends a byte now and then never runs into the timeout."""

    def __init__(self, raw: io.RawIOBase, connection: _Connection) -> None:
        self._raw = raw
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.check_deadline()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _parse_retry_after(value: str) -> float | None:
    """Return how many seconds to wait, or None if the value is invalid. Source: RFC 9110, 10.2.3."""
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    timestamp = parse_http_date_safe(value)
    return max(0.0, timestamp - time.time()) if timestamp is not None else None

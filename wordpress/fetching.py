"""Fetching the files of an old site over the network, from that site and from nowhere else.

An export names any address it likes. So only its own hosts are asked, and never a machine in this one's own network:
the address that is really connected to is looked at, not what a name said before.
"""

import http.client
import ipaddress
import socket
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.conf import settings
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext as _

from wordpress.hosts import host_of, names, split_host
from wordpress.media import NoFile, demand_size
from wordpress.models import Attachment
from wordpress.survey import Survey

# Seconds: for the other side's next sign of life, and for a whole file; films have more, at so many bytes a second.
_TIMEOUT: Final = 20
_DEADLINE: Final = 300
_SLOWEST: Final = 256 * 1024
_MAX_REDIRECTS: Final = 5
_TRIES: Final = 3
# Nobody is waited for longer than this between two tries.
_MAX_WAIT: Final = 60
_CHUNK: Final = 64 * 1024
_IN_MEMORY: Final = 1024 * 1024
_HEADERS: Final = {"User-Agent": "Broadside (moving in)", "Accept": "*/*", "Accept-Encoding": "identity"}

# RFC 6052: what IPv4 addresses are packed into where there is no IPv4.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# After so many files in a row that a host did not answer for it is left alone.
_MAX_SILENCE: Final = 3


class _Later(Exception):  # noqa: N818  # named for what is the case
    """It did not work, and may the next time; after `wait` seconds if the other side says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Fetching:
    """Fetches from `hosts` (with their ports, if unusual) and what WordPress.com calls them. One request at a time.

    `private_allowed` lets it connect to machines of the own network: for tests.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        private_allowed: bool = False,
        timeout: float = _TIMEOUT,
        deadline: float = _DEADLINE,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._hosts = names(hosts)
        self._private_allowed = private_allowed
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep
        self._silences: Counter[str] = Counter()

    @contextmanager
    def open(self, attachment: Attachment) -> Iterator[BinaryIO]:
        # Large ones on the disk of the data: the system's folder for such may be in memory.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as file:
            self._fetch_patiently(attachment.url, file, partial(demand_size, attachment))
            file.seek(0)
            yield file  # type: ignore[misc]  # it has all that a file opened for reading has

    def _fetch_patiently(self, address: str, file: Any, demand: Callable[[int], None]) -> None:
        host = host_of(address)
        if self._silences[host] >= _MAX_SILENCE:
            raise NoFile(_("“%s” has not answered several times: it was not asked again.") % host)
        for attempt in range(1, _TRIES + 1):
            try:
                self._fetch(address, file, demand)
                self._silences[host] = 0
                return
            except _Later as later:
                if attempt == _TRIES:
                    self._silences[host] += 1
                    raise NoFile(str(later)) from later
                self._sleep(min(later.wait if later.wait is not None else 2**attempt, _MAX_WAIT))

    def _fetch(self, address: str, file: Any, demand: Callable[[int], None]) -> None:
        began = time.monotonic()
        for _redirect in range(_MAX_REDIRECTS + 1):
            parts = self._allowed(address)
            connection = self._connection(parts)
            try:
                target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
                query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
                connection.request("GET", target + (f"?{query}" if query else ""), headers=_HEADERS)
                answer = connection.getresponse()
                if answer.status in {301, 302, 303, 307, 308}:
                    address = urljoin(address, answer.headers.get("Location", ""))
                    continue
                self._judge(answer)
                self._read(answer, file, demand, began)
                return
            except (TimeoutError, http.client.HTTPException, ssl.SSLError, OSError) as error:
                raise _Later(_("Fetching it failed: %s") % (str(error) or type(error).__name__)) from error
            except (ValueError, UnicodeError) as error:
                raise NoFile(_("Its address cannot be asked for.")) from error
            finally:
                connection.close()
        raise NoFile(_("Its address leads from one to the next, and to nothing."))

    def _allowed(self, address: str) -> SplitResult:
        try:
            parts = urlsplit(address)
            host = split_host(parts)
        except ValueError:
            host = ""
        if not host or parts.username is not None:
            raise NoFile(_("Its address cannot be asked for."))
        if host not in self._hosts:
            raise NoFile(_("Its address leads to “%s”, which is not the site of the export.") % host)
        return parts

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        kind = _CheckedHTTPSConnection if parts.scheme == "https" else _CheckedHTTPConnection
        connection = kind(str(parts.hostname), parts.port, timeout=self._timeout)
        connection.private_allowed = self._private_allowed
        return connection

    def _judge(self, answer: http.client.HTTPResponse) -> None:
        if answer.status == 200:
            return
        text = _("The old site answers %d.") % answer.status
        if answer.status in {408, 425, 429} or answer.status >= 500:
            raise _Later(text, _seconds(answer.headers.get("Retry-After", "")))
        raise NoFile(text)

    def _read(self, answer: http.client.HTTPResponse, file: Any, demand: Callable[[int], None], began: float) -> None:
        said = answer.headers.get("Content-Length", "")
        expected = int(said) if said.isascii() and said.isdecimal() and len(said) < 20 else None
        if expected is not None:
            demand(expected)
        file.seek(0)
        file.truncate()
        size = 0
        # What has come is handed out at once, so that a slow sender cannot keep us past the end of the time.
        while chunk := answer.read1(_CHUNK):
            size += len(chunk)
            demand(size)
            if time.monotonic() - began > self._deadline + size / _SLOWEST:
                raise _Later(_("Fetching it took too long."))
            file.write(chunk)
        if expected is not None and size < expected:
            raise _Later(_("It came only in part."))


def hosts_of(survey: Survey) -> set[str]:
    """The hosts that files of an export may come from: its own, and those that this site had before."""
    return {*map(host_of, (survey.base_url, survey.site_url, survey.site)), *settings.BROADSIDE_FORMER_HOSTS} - {""}


def _seconds(retry_after: str) -> float | None:
    """How long to wait by `Retry-After`. Source: RFC 9110, 10.2.3."""
    if retry_after.isascii() and retry_after.isdecimal():
        return min(float(retry_after[:9]), _MAX_WAIT)
    moment = parse_http_date_safe(retry_after)
    return max(0.0, moment - time.time()) if moment is not None else None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network, also in the forms that IPv6 packs IPv4 into."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if packed := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(packed))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.teredo or int(ip) < 2**32:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _connected(host: str, port: int, timeout: float, *, private_allowed: bool) -> socket.socket:
    """A connection to the first public address of `host` that answers. Raises NoFile if it has none, and OSError."""
    failure: OSError | None = None
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        # It is this very address that is connected to: the name is not asked again.
        if not private_allowed and not is_public(str(address[0])):
            continue
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    if failure is not None:
        raise failure
    raise NoFile(_("Its address leads into a private network.")) from None


class _CheckedHTTPConnection(http.client.HTTPConnection):
    private_allowed = False

    def connect(self) -> None:
        self.sock = _connected(self.host, self.port, float(self.timeout or 0), private_allowed=self.private_allowed)


class _CheckedHTTPSConnection(http.client.HTTPSConnection):
    private_allowed = False

    def connect(self) -> None:
        plain = _connected(self.host, self.port, float(self.timeout or 0), private_allowed=self.private_allowed)
        try:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

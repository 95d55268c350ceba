"""A browser without JavaScript, for benchmarks that use a site as people do. Importing it needs no Django."""

import http.client
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from lxml import html


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, or the output and exit status of a command. A status of -1 means that there was no response."""

    status: int
    body: str = ""
    location: str = ""
    content_type: str = "text/html"
    seconds: float = 0.0


@dataclass
class Browser:
    """A browser without JavaScript. It sends these headers with every request, from this IP address if it has one."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    address: str = ""

    @property
    def cookie(self) -> str:
        """The value of the header `Cookie`."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str, **headers: str) -> Answer:
        return self._request("GET", path, None, headers)

    def post(
        self,
        path: str,
        fields: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes]] | None = None,
        **headers: str,
    ) -> Answer:
        if files is None:
            body = urlencode(fields, doseq=True).encode()
            return self._request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        parts += [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'.encode()
            + b"Content-Type: application/octet-stream\r\n\r\n"
            + content
            + b"\r\n"
            for name, (file_name, content) in files.items()
        ]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return self._request("POST", path, body, {"Content-Type": kind, **headers})

    def post_json(self, path: str, body: str, token: str) -> Answer:
        return self._request(
            "POST", path, body.encode(), {"Content-Type": "application/json", "X-CSRFToken": token, "Accept": "*/*"}
        )

    def form(self, path: str, fields: str) -> dict[str, Any]:
        """Open a page, and return what its form with a field of this name would send."""
        page: html.HtmlElement = html.document_fromstring(self.get(path).body)
        form = next(each for each in page.forms if fields in each.fields)
        values: dict[str, Any] = {}
        for name, value in form.form_values():
            values.setdefault(name, []).append(value)
        return values

    def _request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        sent = {"Accept": "text/html,*/*", "Cookie": self.cookie, **self.headers}
        if method == "POST":
            host = self.headers.get("Host", f"127.0.0.1:{self.port}")
            sent |= {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        started = time.monotonic()
        address = (self.address, 0) if self.address else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=address)
        try:
            connection.request(method, path, body, {**sent, **headers})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return Answer(-1, repr(error), seconds=time.monotonic() - started)
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        location = response.headers["Location"] or ""
        content_type = response.headers["Content-Type"] or ""
        return Answer(response.status, text, location, content_type, time.monotonic() - started)

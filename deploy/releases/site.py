"""The running site: finding out which version answers, and switching it to another one."""

import http.client
import json
import shlex
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Final

from releases.errors import UpgradeError

# Seconds.
_PAUSE: Final = 0.5
_TIMEOUT: Final = 10


@dataclass(frozen=True)
class Site:
    """Where the site listens (`host:port`, or the path of a Unix socket), and the command that replaces its processes.

    `patience` is how many seconds these have until they must answer.
    """

    address: str
    reload_command: str
    patience: float

    def is_running(self) -> bool:
        return self._ask("/healthz", "")[0] == 200

    def reload(self) -> None:
        """Switch the site to the release that `current` links to. Raises UpgradeError."""
        command = shlex.split(self.reload_command)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603  root's
        except OSError as error:
            raise UpgradeError(f"`{self.reload_command}` can't be run: {error.strerror}.") from error
        if done.returncode:
            raise UpgradeError(f"`{self.reload_command}` failed: {(done.stderr or done.stdout).strip()}")

    def wait_until_ready(self, version: str, token: str) -> None:
        """Wait until this version can answer readers. Raises UpgradeError if it doesn't in time."""
        deadline = time.monotonic() + self.patience
        # Its processes start independently, and any of them may answer.
        in_a_row = 0
        problem = "it does not answer"
        while in_a_row or time.monotonic() < deadline:
            status, found = self._ask("/readyz/web", token)
            is_this = found.get("version") == version
            in_a_row = in_a_row + 1 if status == 200 and is_this else 0
            if in_a_row >= 3:
                return
            if is_this:
                problem = ", ".join(text for text in found.get("problems", {}).values() if text)
            time.sleep(0.1 if in_a_row else _PAUSE)
        raise UpgradeError(f"Version {version} of the site can't answer readers: {problem}.")

    def _ask(self, path: str, token: str) -> tuple[int, dict[str, Any]]:
        connection = _Connection(self.address)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Host": "localhost"})
            response = connection.getresponse()
            body = response.read(2**16)
            return response.status, json.loads(body) if body.startswith(b"{") else {}
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: str) -> None:
        is_path = address.startswith("/")
        super().__init__("localhost" if is_path else address, timeout=_TIMEOUT)
        self._path = address if is_path else ""

    def connect(self) -> None:
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)

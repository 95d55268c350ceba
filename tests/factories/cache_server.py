"""A real cache server."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")


class CacheServer:
    """A real cache server at a socket in this folder."""

    def __init__(self, folder: str) -> None:
        self.socket = Path(folder) / "socket"
        self._options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", folder]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://{self.socket}"

    def start(self) -> None:
        assert _PROGRAM is not None
        self.process = subprocess.Popen([_PROGRAM, *self._options], stdout=subprocess.DEVNULL)  # noqa: S603  our own arguments
        while not self._is_listening():
            assert self.process.poll() is None
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


@contextmanager
def cache_server() -> Iterator[CacheServer]:
    """Run Valkey or Redis. Skips the test if neither is installed, and fails it in CI."""
    if _PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("Neither valkey-server nor redis-server is installed.")
        pytest.skip("Neither valkey-server nor redis-server is installed.")
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="cache-") as folder:
        server = CacheServer(folder)
        try:
            yield server
        finally:
            server.kill()

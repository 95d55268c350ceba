"""The demo site, served for as long as pictures of it are made."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent


@contextmanager
def demo_site(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a demo site in `folder`. Yield its URL, and the passwords of its accounts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    site = {"BROADSIDE_DATA": str(folder), "SITE_URL": url, "SECRET_KEY": "only-for-screenshots" * 3, "DEBUG": "0"}
    environment = os.environ | site

    def manage(*arguments: str) -> str:
        options = {"cwd": PROJECT, "env": environment, "check": True, "text": True, "stdout": subprocess.PIPE}
        done = subprocess.run([sys.executable, "manage.py", *arguments], **options)  # noqa: S603  # our own commands
        return str(done.stdout)

    manage("migrate", "--verbosity", "0")
    manage("collectstatic", "--no-input", "--verbosity", "0")
    accounts = dict(re.findall(r"^ +(\w+) +(\S{8,}) ", manage("load_demo"), re.MULTILINE))
    manage("make_renditions")
    granian = ["-m", "granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    command = [sys.executable, *granian, "--log-level", "warning", "config.rsgi:application"]
    server = subprocess.Popen(command, cwd=PROJECT, env=environment)  # noqa: S603  # our own command
    try:
        for _attempt in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield url, accounts
    finally:
        server.terminate()
        server.wait()

"""The demo site and a browser, for taking pictures of it."""

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT: Final = Path(__file__).resolve().parent.parent


@contextmanager
def demo_browser() -> Iterator[tuple[Browser, str, dict[str, str]]]:
    """Serve a demo site. Yield a browser, the URL of the site, and the passwords of its accounts."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as folder,
        _demo_site(Path(folder)) as (url, accounts),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser, url, accounts
        browser.close()


def save_screenshot(page: Page, path: Path, quality: int) -> None:
    """Save the visible part of a page as WebP."""
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").save(path, quality=quality, method=6)


@contextmanager
def _demo_site(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    site = {"BROADSIDE_DATA": str(folder), "SITE_URL": url, "SECRET_KEY": "only-for-screenshots" * 3, "DEBUG": "0"}
    environment = os.environ | site

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(command, cwd=PROJECT, env=environment, text=True)  # noqa: S603  # our own commands

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

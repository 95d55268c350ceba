"""Telling systemd that the site is ready, so that `systemctl start` and `systemctl reload` wait until it is.

Source: sd_notify(3), and systemd.service(5) about Type=notify-reload.
"""

import os
import socket
from contextlib import suppress
from time import monotonic_ns


class ServiceManager:
    """The service manager that started this process, if it wants to be told (NOTIFY_SOCKET)."""

    def __init__(self) -> None:
        # Only this process speaks to it, and not those that it starts.
        address = os.environ.pop("NOTIFY_SOCKET", "")
        # Linux also has names that are not those of files. They begin with a null byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def report_ready(self) -> None:
        self._send("READY=1")

    def report_reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1000}")

    def _send(self, message: str) -> None:
        # Without an answer, systemd reports that this took too long, and the site keeps running.
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(message.encode(), self._address)

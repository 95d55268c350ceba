"""What a mail server learns from the connection."""

import socket
from threading import Thread

from django.utils.module_loading import import_string

from config.mail import mailers


def test_the_name_of_the_machine_is_not_sent() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connected, _address = server.accept()
            with connected, connected.makefile("rwb", buffering=0) as stream:
                stream.write(b"220 mail.example ESMTP\r\n")
                while line := stream.readline():
                    heard.append(line.strip())
                    stream.write(b"221 Bye\r\n" if line.startswith(b"quit") else b"250 OK\r\n")

        thread = Thread(target=serve)
        thread.start()
        mailer = mailers(f"smtp://127.0.0.1:{server.getsockname()[1]}")["default"]
        with import_string(mailer["BACKEND"])(alias="default", **mailer["OPTIONS"]) as backend:
            backend.connection.ehlo()
        thread.join()
    assert heard == [b"ehlo testserver", b"quit"]

"""Sends an issue to a mail server that bounces, greylists and limits, while the worker is killed. See README.md."""

import argparse
import datetime as dt
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from email import message_from_bytes
from mailbox import Maildir
from pathlib import Path
from typing import Final, cast

import scratch_site  # isort: split

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from processes import PROJECT, free_port

from accounts.models import User
from blog.models import Post, Status
from config.mail import mailers
from mail import delivery, pacing
from mail.tasks import schedule_delivery
from newsletter import issues
from newsletter.models import Delivery, Issue, NewsletterSettings, Subscriber, Subscription
from newsletter.tasks import read_returns
from operations.models import WorkerHeartbeat

# How many seconds a minute of the worker and of the mail server takes here. The worker is a separate process, so both
# read this from the environment.
MINUTE: Final = float(os.environ.get("SECONDS_PER_MINUTE", "2"))
LIMIT: Final = 10
LIMITED: Final = "limited.example"
# For how long attempts are rejected as too early.
GREYLISTED_FOR: Final = 5 * MINUTE


class MailServer:
    """A server that counts accepted e-mails by Message-ID, and refuses mail like real servers."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.recipients: defaultdict[str, set[str]] = defaultdict(set)
        self.return_paths: dict[str, str] = {}
        self.unsubscribe_urls: dict[str, str] = {}
        self.attempts: Counter[str] = Counter()
        self.too_many = 0
        self._first: dict[str, float] = {}
        self._to_limited: list[float] = []

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        now = time.monotonic()
        self.attempts[address] += 1
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        if address.startswith("grey") and now - self._first.setdefault(address, now) < GREYLISTED_FOR:
            return "451 4.7.1 greylisted"
        if address.endswith(f"@{LIMITED}"):
            self._to_limited = [at for at in self._to_limited if now - at < MINUTE]
            if len(self._to_limited) >= LIMIT:
                self.too_many += 1
                return "452 4.7.1 too many"
            self._to_limited.append(now)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        message = message_from_bytes(cast("bytes", envelope.content))
        (address,) = envelope.rcpt_tos
        message_id = str(message["Message-ID"])
        self.accepted[message_id] += 1
        self.recipients[address].add(message_id)
        self.return_paths[address] = str(envelope.mail_from)
        self.unsubscribe_urls[address] = re.findall("<(http[^>]*)>", str(message["List-Unsubscribe"]))[0]
        return "250 OK"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=5_000, help="how many get each issue (%(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="how often the worker is killed (%(default)s)")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        port, folder = options.worker
        work(int(port), Path(folder))
        return
    scratch_site.migrate()
    server, port = MailServer(), free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    with tempfile.TemporaryDirectory(prefix="broadside-bounces-") as name:
        box = Maildir(Path(name) / "mail", create=True)
        try:
            use(port, Path(name) / "mail")
            drill(server, make_subscribers(options.subscribers), box, options.kills)
        finally:
            controller.stop()


def use(port: int, folder: Path) -> None:
    """Send mail to this port, and expect bounces in this maildir."""
    settings.MAILERS = mailers(f"smtp://127.0.0.1:{port}")
    settings.BROADSIDE_MAIL_LIMITS = {LIMITED: LIMIT}
    settings.BROADSIDE_BOUNCE_ADDRESS = "bounces@blog.example"
    settings.BROADSIDE_BOUNCE_MAILBOX = f"maildir://{folder}"


def drill(server: MailServer, addresses: dict[str, list[str]], box: Maildir, kills: int) -> None:
    publish("First")
    started = time.perf_counter()
    send_all(server, kills)
    report(server, addresses, time.perf_counter() - started, kills)
    second_issue(server, addresses, box)


def make_subscribers(count: int) -> dict[str, list[str]]:
    """Create subscribers, and return their addresses by what happens to mail for them."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for number in range(count):
        # 1.5 % are refused at once, 1.5 % bounce later, 5 % are greylisted, and 2 % are in the limited domain.
        part = number % 200
        kind = (
            "gone" if part < 3 else "bounce" if part < 6 else "grey" if part < 16 else "slow" if part < 20 else "good"
        )
        domain = LIMITED if kind == "slow" else f"d{number % 37}.example"
        kinds[kind].append(f"{kind}{number}@{domain}")
    every = [address for addresses in kinds.values() for address in addresses]
    # In the order in which people subscribe, not grouped by kind.
    random.Random(count).shuffle(every)  # noqa: S311  # test data needs no secrecy
    subscribers = Subscriber.objects.bulk_create([Subscriber(email=address) for address in every])
    Subscription.objects.bulk_create([Subscription(subscriber=each, frequency="immediately") for each in subscribers])
    NewsletterSettings(is_on=True, on_since=timezone.now()).save()
    return kinds


def publish(title: str) -> None:
    """Publish a post, and have it mailed at once."""
    author, _is_new = User.objects.get_or_create(username="author")
    post = Post(title=title, source="Some text.", author=author, status=Status.PUBLISHED)
    post.save()
    issues.SETTLE = dt.timedelta(0)  # type: ignore[misc]  # don't wait for changes to the post
    issues.make()
    if not Issue.objects.filter(entries=post).exists():
        raise SystemExit("Failed: there is no issue.")


def work(port: int, folder: Path) -> None:
    """Run a worker for which a minute takes MINUTE seconds."""
    use(port, folder)
    scale = MINUTE / 60
    pacing.WINDOW *= scale  # type: ignore[misc]  # as constants, they are final
    pacing._BATCHES *= scale  # type: ignore[misc]  # as above
    pacing._FIRST_PAUSE *= scale  # type: ignore[misc]  # as above
    delivery.LEASE *= scale
    delivery.RETRY_AFTER *= scale
    call_command("worker")


def start_worker() -> subprocess.Popen[bytes]:
    # A killed worker is presumed dead only after some minutes, but here we know that it is.
    WorkerHeartbeat.objects.all().delete()
    schedule_delivery(timezone.now())
    connection.close()
    port = str(settings.MAILERS["default"]["OPTIONS"]["port"])
    folder = settings.BROADSIDE_BOUNCE_MAILBOX.removeprefix("maildir://")
    command = [sys.executable, __file__, "--worker", port, folder]
    return subprocess.Popen(command, cwd=PROJECT, start_new_session=True)  # noqa: S603  # our own command


def send_all(server: MailServer, kills: int) -> None:
    """Send everything that is due, killing the worker at random times."""
    rng = random.Random()  # noqa: S311  # random times need no secrecy
    # Most e-mails can be accepted at the first attempt, before greylisting and limits are over.
    share = 0.8 * unsent() / (kills + 1)
    for kill in range(kills):
        worker = start_worker()
        before = server.accepted.total()
        until = before + rng.uniform(0.2, 1) * share
        while server.accepted.total() <= until:
            time.sleep(rng.uniform(0, 0.02))
            if worker.poll() is not None:
                raise SystemExit("Failed: the worker has ended.")
        kill_at_any_moment(worker.pid, rng)
        worker.wait()
        print(f"kill {kill + 1}: {server.accepted.total() - before:,} e-mails accepted since the last one")
    worker = start_worker()
    while unsent():
        time.sleep(0.5)
        if worker.poll() is not None:
            raise SystemExit("Failed: the worker has ended.")
    worker.terminate()
    worker.wait()


def kill_at_any_moment(pid: int, rng: random.Random) -> None:
    """Have another process kill this one.

    A thread of this process could only do so just after the mail server, another thread, has accepted an e-mail and
    released the interpreter.
    """
    command = ["/bin/sh", "-c", f"sleep {rng.uniform(0, 0.5):.4f}; kill -KILL {pid}"]
    subprocess.run(command, check=True)  # noqa: S603  # our own command


def unsent() -> int:
    count = Delivery.objects.filter(sent_at=None).count()
    connection.close()
    return count


def report(server: MailServer, addresses: dict[str, list[str]], seconds: float, kills: int) -> None:
    expected = {address for kind, each in addresses.items() if kind != "gone" for address in each}
    if set(server.recipients) != expected:
        raise SystemExit(f"Failed: {len(expected ^ set(server.recipients))} recipients are missing or unexpected.")
    if any(len(ids) != 1 for ids in server.recipients.values()):
        raise SystemExit("Failed: someone got two different e-mails.")
    repeated = sum(server.accepted.values()) - len(server.accepted)
    print(f"{len(expected):,} e-mails to accept, each accepted, in {seconds:.0f} s with {kills} kills")
    print(f"{repeated} of them transmitted twice with the same Message-ID: killed between the server's answer and ours")
    print(f"{server.too_many} attempts beyond {LIMIT} in a minute to {LIMITED}")
    if repeated > kills:
        raise SystemExit("Failed: more e-mails were transmitted twice than workers were killed.")


def second_issue(server: MailServer, addresses: dict[str, list[str]], box: Maildir) -> None:
    """Let mail bounce and one reader unsubscribe, and check that none of them gets the next issue."""
    for address in addresses["bounce"]:
        box.add(bounce(server.return_paths[address], address))
    read_returns.func()
    leaving = addresses["good"][0]
    response = Client().post(
        server.unsubscribe_urls[leaving], {"List-Unsubscribe": "One-Click"}, SERVER_NAME="localhost"
    )
    suppressed = Subscriber.objects.exclude(suppression="").count()
    bounced = addresses["gone"] + addresses["bounce"]
    if response.status_code != 200 or suppressed != len(bounced) or len(box):
        raise SystemExit(f"Failed: {suppressed} of {len(bounced)} addresses are suppressed.")
    server.attempts.clear()
    publish("Second")
    send_all(server, 0)
    if wrong := [address for address in [*bounced, leaving] if server.attempts[address]]:
        raise SystemExit(f"Failed: {len(wrong)} suppressed or unsubscribed addresses got the second issue.")
    if len(server.attempts) != Subscriber.objects.filter(suppression="").count():
        raise SystemExit("Failed: not everyone got the second issue.")
    print(f"{suppressed} hard bounces suppressed, one reader unsubscribed with a POST: none got the second issue")


def bounce(return_path: str, address: str) -> str:
    return (
        f"From: MAILER-DAEMON@mx.example\nTo: {return_path}\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
        "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n--x--\n"
    )


if __name__ == "__main__":
    main()

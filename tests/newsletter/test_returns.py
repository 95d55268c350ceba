"""Bounces, complaints and requests to unsubscribe that arrive by e-mail, and forged ones."""

import datetime as dt
import mailbox
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage as Report
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.mail import EmailMessage
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from mail import mailboxes
from newsletter import returns, tasks
from newsletter.models import Delivery, Subscriber
from newsletter.returns import Purpose
from tests.factories.newsletter import move_marks, news, subscribe
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

ADDRESS = "amina@example.org"


@pytest.fixture(autouse=True)
def box(settings: Settings, tmp_path: Path) -> mailbox.Maildir:
    settings.BROADSIDE_BOUNCE_ADDRESS = "bounces@blog.example"
    settings.BROADSIDE_BOUNCE_MAILBOX = f"maildir://{tmp_path}/mail"
    return mailbox.Maildir(tmp_path / "mail", create=True)


@pytest.fixture
def sent(mailed: Deliver) -> EmailMessage:
    """An e-mail to a subscriber that the mail server has accepted."""
    subscribe(ADDRESS)
    news()
    (message,) = mailed()
    return message


def bounce(to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\n"
        f"To: {to}\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
        "--x\r\n\r\nIt could not be delivered.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {ADDRESS}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "--x--\r\n"
    ).encode()


def complaint(original: bytes) -> bytes:
    return (
        b"From: feedback@isp.example\r\nTo: abuse@blog.example\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n"
        b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + original + b"\r\n--x--\r\n"
    )


def suppression() -> str:
    return Subscriber.objects.get(email=ADDRESS).suppression


class TestReturnPaths:
    def test_each_email_has_its_own_and_shows_the_usual_sender(self, sent: EmailMessage) -> None:
        assert sent.from_email.startswith("bounces+b")
        assert sent.from_email.endswith("@blog.example")
        assert sent.message()["From"] == "noreply@testserver"
        assert len(sent.from_email.partition("@")[0]) <= 64

    def test_subscribers_can_unsubscribe_by_email(self, sent: EmailMessage) -> None:
        header = sent.message()["List-Unsubscribe"]
        address = header.partition("mailto:")[2].partition("?")[0]
        returns.handle(f"From: a@example.org\r\nTo: <{address.upper()}>\r\nSubject: unsubscribe\r\n\r\n".encode())
        assert not Subscriber.objects.exists()

    def test_without_a_mailbox_bounces_go_to_the_sender(self, settings: Settings, mailed: Deliver) -> None:
        settings.BROADSIDE_BOUNCE_MAILBOX = ""
        subscribe(ADDRESS)
        news()
        (message,) = mailed()
        assert message.from_email == "noreply@testserver"
        assert "mailto:" not in message.message()["List-Unsubscribe"]


class TestBounces:
    @pytest.mark.parametrize("status", ["5.1.1", "5.1.10", "5.2.1", "5.1.1 (no such user)"])
    def test_a_hard_one_suppresses_the_address(self, sent: EmailMessage, mailed: Deliver, status: str) -> None:
        returns.handle(bounce(sent.from_email, status))
        assert suppression() == "refused"
        move_marks(minutes=11)
        news()
        assert mailed() == []

    @pytest.mark.parametrize(("status", "action"), [("5.1.1", "delayed"), ("2.0.0", "delivered"), ("5.1.1", "relayed")])
    def test_other_reports_change_nothing(self, sent: EmailMessage, status: str, action: str) -> None:
        returns.handle(bounce(sent.from_email, status, action))
        assert suppression() == ""
        assert Delivery.objects.get().bounced_at is None

    @pytest.mark.parametrize("status", ["4.4.1", "5.2.2", "5.7.1", "nonsense"])
    def test_soft_ones_suppress_the_address_after_three_in_a_row(
        self, sent: EmailMessage, mailed: Deliver, status: str
    ) -> None:
        for _ in range(2):
            for _ in range(2):
                # The same report twice counts once.
                returns.handle(bounce(sent.from_email, status))
            assert suppression() == ""
            move_marks(minutes=11)
            news()
            (sent,) = mailed()
        returns.handle(bounce(sent.from_email, status))
        assert suppression() == "refused"

    def test_a_successful_delivery_in_between_resets_the_count(self, sent: EmailMessage, mailed: Deliver) -> None:
        for arrives in (False, False, True, False, False):
            if not arrives:
                returns.handle(bounce(sent.from_email, "4.4.1"))
            move_marks(minutes=11)
            news()
            (sent,) = mailed()
        assert suppression() == ""


class TestComplaints:
    def test_they_suppress_the_address_for_good(self, sent: EmailMessage) -> None:
        returns.handle(complaint(sent.message().as_bytes()))
        assert suppression() == "complained"
        returns.handle(bounce(sent.from_email))
        assert suppression() == "complained"

    def test_without_the_original_email_they_do_nothing(self, sent: EmailMessage) -> None:
        returns.handle(complaint(b"To: amina@example.org\r\nSubject: spam\r\n\r\n"))
        assert suppression() == ""


class TestHostileMessages:
    def test_no_address_is_suppressed_without_the_token(self, sent: EmailMessage) -> None:
        pk = Delivery.objects.get().pk
        other = returns.address(Delivery(pk=pk + 1), Purpose.BOUNCE)
        unsubscribe = returns.address(Delivery(pk=pk), Purpose.UNSUBSCRIBE)
        signature = sent.from_email.partition("-")[2]
        for address in (
            ADDRESS,
            "bounces@blog.example",
            f"bounces+b{pk}@blog.example",
            f"bounces+b{pk}-{'x' * 24}@blog.example",
            # A token for something else.
            other.replace(str(pk + 1), str(pk)),
            unsubscribe.replace("+u", "+b"),
            f"bounces+b0{pk}-{signature}",
            f"bounces+b{'9' * 18}-{signature}",
        ):
            returns.handle(bounce(address))
            assert suppression() == ""

    def test_only_a_delivery_report_counts(self, sent: EmailMessage) -> None:
        message = Report()
        message["To"] = sent.from_email
        message.set_content("Out of office. Status: 5.1.1, Action: failed")
        returns.handle(message.as_bytes())
        assert suppression() == ""

    def test_an_email_that_was_not_sent_cannot_bounce(self, sent: EmailMessage) -> None:
        Delivery.objects.update(sent_at=None)
        returns.handle(bounce(sent.from_email))
        assert suppression() == ""

    def test_deeply_nested_parts_cause_no_error(self, sent: EmailMessage) -> None:
        nested = b"".join(
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(3_000)
        )
        returns.handle(f"To: {sent.from_email}\r\n".encode() + nested)
        assert suppression() == ""

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(st.binary(max_size=300), st.binary(max_size=300))
    def test_garbage_causes_no_error(self, before: bytes, after: bytes) -> None:
        returns.handle(before + bounce("bounces+b1-aaaaaaaaaaaaaaaaaaaaaaaa@blog.example") + after)
        returns.handle(before)


class TestMailboxes:
    def test_a_maildir_is_read_and_emptied(self, sent: EmailMessage, box: mailbox.Maildir) -> None:
        box.add(bounce(sent.from_email))
        box.add(b"x" * (mailboxes.MAX_SIZE + 1))
        tasks.read_returns.func()
        assert suppression() == "refused"
        assert len(box) == 0

    def test_a_message_that_could_not_be_processed_stays(self, box: mailbox.Maildir, settings: Settings) -> None:
        box.add(b"To: a@example.org\r\n\r\n")

        def fail(data: bytes) -> None:
            raise OSError

        with pytest.raises(OSError):  # noqa: PT011  # it is the one above
            mailboxes.process(settings.BROADSIDE_BOUNCE_MAILBOX, fail)
        assert len(box) == 1

    def test_a_missing_maildir_is_a_temporary_error(self) -> None:
        with pytest.raises(OSError):  # noqa: PT011  # the task is retried after any of them
            mailboxes.process("maildir:///nowhere/at/all", lambda data: None)

    def test_an_imap_folder_is_read_and_emptied(self) -> None:
        server = Imap({b"1": b"first", b"2": b"second"}, large=[b"3"])
        found: list[bytes] = []
        count = mailboxes.process_imap(server, "INBOX", found.append)  # type: ignore[arg-type]  # it has what is used
        assert found == [b"first", b"second"]
        assert count == 3
        assert server.deleted == [b"1", b"2", b"3"]
        assert server.is_expunged

    def test_an_imap_server_without_a_trusted_certificate_gets_no_password(self, tmp_path: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed_certificate(tmp_path))
        received: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def serve() -> None:
                # The client disconnects.
                with suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as connected:
                    connected.sendall(b"* OK ready\r\n")
                    received.append(connected.recv(1000))

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            with pytest.raises(ssl.SSLCertVerificationError):
                mailboxes.process(f"imaps://me:secret@localhost:{listening.getsockname()[1]}/INBOX", lambda data: None)
            thread.join(10)
        assert received == []

    def test_nothing_is_read_without_settings(self, settings: Settings) -> None:
        settings.BROADSIDE_BOUNCE_MAILBOX = ""
        tasks.read_returns.func()


def self_signed_certificate(folder: Path) -> Path:
    """Return a file with a self-signed certificate for `localhost` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return path


class Imap:
    """The part of an IMAP server that is used."""

    def __init__(self, messages: dict[bytes, bytes], large: list[bytes]) -> None:
        self.messages, self.large = messages, large
        self.deleted: list[bytes] = []
        self.is_expunged = False

    def select(self, folder: str) -> Any:
        assert folder == '"INBOX"'
        return "OK", [b"3"]

    def uid(self, command: str, *arguments: str) -> Any:
        if command == "SEARCH":
            return "OK", [b" ".join(self.large if "NOT" in arguments else self.messages)]
        uid = arguments[0].encode()
        if command == "FETCH":
            return "OK", [(b"1 (UID 1 BODY[] {5}", self.messages[uid]), b")"]
        self.deleted.append(uid)
        return "OK", [None]

    def expunge(self) -> Any:
        self.is_expunged = True
        return "OK", [None]


def test_old_deliveries_are_deleted(sent: EmailMessage) -> None:
    issue = Delivery.objects.get().issue
    issue.created_at = timezone.now() - dt.timedelta(days=91)
    issue.save()
    tasks.tidy_newsletter.func()
    assert not Delivery.objects.exists()
    issue.refresh_from_db()
    assert issue.sent_count == 1

"""What the e-mails contain, and that nothing in them is loaded from elsewhere or reveals who reads them."""

import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from lxml import html

from core.models import SiteSettings
from newsletter.models import Delivery, Subscriber
from tests.factories import UserFactory
from tests.factories.newsletter import move_marks, news, subscribe
from tests.factories.types import Deliver, Refusing

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(mailed: Deliver) -> Any:
    """Return a function that sends a post, and returns the e-mail as its recipient gets it."""

    def sent(**values: Any) -> Any:
        subscribe()
        news(**values)
        (message,) = mailed()
        return message_from_bytes(message.message().as_bytes(), policy=policy.default)

    return sent


def part(message: Any, kind: str) -> str:
    return str(message.get_body((kind,)).get_content())


class TestContent:
    def test_text_and_html_have_the_same_content(self, sent: Any) -> None:
        message = sent(title="A paper", source="The **first** paragraph.")
        assert message.get_content_type() == "multipart/alternative"
        for kind in ("plain", "html"):
            content = part(message, kind)
            assert "A paper" in content
            assert "The first paragraph." in content
            assert "http://testserver/20" in content
            assert "/follow-by-email/unsubscribe/" in content
            assert "/follow-by-email/manage/" in content

    def test_nothing_is_loaded_and_no_link_is_tracked(self, sent: Any) -> None:
        message = sent(source="![A picture](/media/a.png) and [a link](https://example.org/?a=1)")
        page: Any = html.document_fromstring(part(message, "html"))
        assert not page.xpath(
            "//img | //link | //script | //style | //iframe | //object | //*[@src] | //*[@background]"
        )
        assert "url(" not in part(message, "html")
        targets = page.xpath("//a/@href")
        assert targets
        post, subscription = r"\d{4}/\d\d/\d\d/[\w-]+/", r"follow-by-email/(manage|unsubscribe)/[\w:-]+/"
        assert all(re.fullmatch(rf"http://testserver/({post}|{subscription})?", target) for target in targets)

    def test_words_that_are_wider_than_a_phone_are_broken(self, sent: Any) -> None:
        page: Any = html.document_fromstring(part(sent(title="https://example.org/" + "a" * 150), "html"))
        assert page.xpath("//*[contains(@style, 'overflow-wrap: break-word')]//a[contains(., 'aaa')]")

    def test_hostile_titles_and_texts_are_escaped(self, sent: Any) -> None:
        message = sent(title='<b onload="x">Bold\r\nBcc: e@example.org', source="&lt;script&gt;")
        assert message["Bcc"] is None
        page: Any = html.document_fromstring(part(message, "html"))
        assert not page.xpath("//b | //script")
        assert "<b" in page.text_content()

    def test_arabic_is_laid_out_from_right_to_left_with_larger_lines(self, sent: Any) -> None:
        message = sent(title="ورقة", language="ar", source="النص")
        page: Any = html.document_fromstring(part(message, "html"))
        (heading,) = page.xpath("//h1")
        assert heading.getparent().get("dir") == "rtl"
        assert heading.getparent().get("lang") == "ar"
        assert "line-height: 1.85" in heading.getparent().get("style")
        # The date is in the language of the site, but on the side of the text.
        date = heading.getnext()
        assert (date.get("dir"), "text-align: right" in date.get("style")) == ("ltr", True)

    def test_authors_are_named_only_if_the_site_names_them(self, sent: Any, mailed: Deliver) -> None:
        ann = UserFactory.create(display_name="Ann Lee")
        assert "Ann Lee" not in sent(author=ann).as_string()
        SiteSettings.objects.update(show_author=True)
        move_marks(minutes=11)
        news(author=ann, co_authors="Ben Hall, Carla Diaz")
        (message,) = mailed()
        assert "Ann Lee, Ben Hall and Carla Diaz" in message.body


class TestHeaders:
    def test_mail_programs_can_unsubscribe_with_one_post(self, sent: Any, client: Any) -> None:
        message = sent()
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        url = message["List-Unsubscribe"].strip("<>")
        assert "/unsubscribe/" in url
        client.post(url, {"List-Unsubscribe": "One-Click"})
        assert not Subscriber.objects.exists()

    def test_they_identify_a_mailing_list_and_an_automatic_message(self, sent: Any) -> None:
        message = sent()
        assert message["List-Id"] == "<newsletter.testserver>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Precedence"] == "bulk"
        assert message["References"] is None

    def test_each_email_has_its_own_recipient_and_unsubscribe_link(self, mailed: Deliver) -> None:
        subscribe("a@example.org")
        subscribe("b@example.org")
        news()
        messages = mailed()
        assert sorted(message.to for message in messages) == [["a@example.org"], ["b@example.org"]]
        assert len({message.extra_headers["Message-ID"] for message in messages}) == 2
        assert len({message.extra_headers["List-Unsubscribe"] for message in messages}) == 2

    def test_a_confirmation_request_is_plain_text_without_an_unsubscribe_link(
        self, client: Any, mailed: Deliver
    ) -> None:
        client.post("/follow-by-email/", {"email": "amina@example.org"})
        (message,) = mailed()
        assert isinstance(message, EmailMultiAlternatives)
        assert message.alternatives == []
        assert "List-Unsubscribe" not in message.extra_headers


class TestRefusals:
    def test_an_address_that_does_not_exist_is_suppressed(self, mailed: Deliver, refusing_with: Any) -> None:
        subscribe()
        subscribe("b@example.org")
        news()
        with refusing_with("amina@example.org", 550, b"5.1.1 no such user"):
            assert [message.to for message in mailed()] == [["b@example.org"]]
        assert Subscriber.objects.get(email="amina@example.org").suppression == "refused"
        assert not Delivery.objects.filter(sent_at=None).exists()

    @pytest.mark.parametrize(
        ("code", "reply"),
        [
            (450, b"4.2.0 greylisted"),
            (550, b"no such user"),
            (550, b"5.7.1 relaying denied"),
            (554, b"5.1.8 bad sender"),
            (550, b"5.1.0 <noreply@testserver>: Sender address rejected: User unknown"),
        ],
    )
    def test_other_refusals_are_tried_again(self, mailed: Deliver, refusing_with: Any, code: int, reply: bytes) -> None:
        subscribe()
        news()
        with refusing_with("amina@example.org", code, reply):
            assert mailed() == []
        assert Subscriber.objects.get().suppression == ""
        assert Delivery.objects.get().failures == 1
        Delivery.objects.update(not_before="2020-01-01T00:00:00Z")
        assert len(mailed()) == 1

    def test_a_delivery_that_is_refused_for_days_is_given_up(self, mailed: Deliver, refusing: Refusing) -> None:
        subscribe()
        news()
        with refusing("amina@example.org"):
            for _ in range(9):
                mailed()
                Delivery.objects.update(not_before="2020-01-01T00:00:00Z")
        assert not Delivery.objects.exists()
        assert mail.outbox == []
        assert Subscriber.objects.exists()

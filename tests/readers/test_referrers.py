"""Of a referrer, only the host is counted, and only if it is another, public site."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readers.referrers import readable, referring_host


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://news.example/a/secret?user=7#x", "news.example"),
        ("http://WWW.News.Example./", "news.example"),
        ("https://m.news.example/", "news.example"),
        ("https://www.m.news.example:8443/", "news.example"),
        ("https://name:word@news.example/", "news.example"),
        # The only label before the top-level domain is the name itself.
        ("https://m.example/", "m.example"),
        ("https://www.example/", "www.example"),
        ("https://en.wikipedia.example/", "en.wikipedia.example"),
        ("https://xn--e1afmkfd.xn--p1ai/", "xn--e1afmkfd.xn--p1ai"),
        ("https://пример.рф/", "xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_variants_of_a_host_have_one_name(referrer: str, host: str) -> None:
    assert referring_host(referrer) == host


@pytest.mark.parametrize(
    "referrer",
    [
        "",
        "-",
        "about:blank",
        "javascript:alert(1)",
        "android-app://org.example.reader/",
        "//news.example/",
        "https://",
        "https://[::1/",
        "https://192.0.2.7/",
        "https://[2001:db8::7]/",
        "https://3221225991/",
        "https://localhost/",
        "https://intranet/",
        "https://wiki.ministry.local/",
        "https://mail.corp.internal/",
        "https://exa_mple.example/",
        "https://-a.example/",
        "https://a..example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 60}example/",
        "https://<script>.example/",
        "https://\x00.example/",
        # The site itself.
        "http://testserver/a/",
        "http://localhost:8000/",
        "http://127.0.0.1/",
    ],
)
def test_other_referrers_are_not_counted(referrer: str) -> None:
    assert referring_host(referrer) == ""


@given(st.text() | st.builds("https://{}/".format, st.text()))
def test_no_header_causes_an_error(referrer: str) -> None:
    host = referring_host(referrer)
    assert host == host.lower()
    assert len(host) <= 100
    assert host.isascii()
    readable(host)


def test_internationalised_names_are_readable_and_unambiguous() -> None:
    assert readable("xn--e1afmkfd.xn--p1ai") == "пример.рф (xn--e1afmkfd.xn--p1ai)"
    assert readable("news.example") == "news.example"
    assert readable("xn--a.example") == "xn--a.example"

"""Settings come from the environment, and a site that would be unsafe does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.mail import mailers

ROOT = Path(__file__).resolve().parent.parent.parent


def run(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`code` in a fresh Python, with nothing of this one's environment that settings read."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # A folder of its own: a developer's `.env` beside manage.py must not answer for it.
    program = f"import environ; environ.Env.read_env = lambda *a, **k: None\n{code}"
    return subprocess.run(  # noqa: S603  (our own Python and our own words)
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", "BROADSIDE_DATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def value(tmp_path: Path, expression: str, **environment: str) -> str:
    result = run(tmp_path, f"from config import settings; print({expression})", SECRET_KEY="x", **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_without_a_secret_key_it_refuses_to_start_and_says_why(tmp_path: Path) -> None:
    result = run(tmp_path, "import django; django.setup()")
    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr
    assert "make secret-key" in result.stderr


def test_development_needs_no_secret_key(tmp_path: Path) -> None:
    assert run(tmp_path, "import django; django.setup()", DEBUG="1").returncode == 0


def test_all_data_lives_in_one_folder(tmp_path: Path) -> None:
    expression = "settings.DATABASES['default']['NAME'], settings.MEDIA_ROOT, settings.CACHES['default']['LOCATION']"
    assert value(tmp_path, expression).count(str(tmp_path)) == 3


def test_database_and_cache_can_live_elsewhere(tmp_path: Path) -> None:
    expression = "settings.DATABASES['default']['HOST'], settings.CACHES['default']['LOCATION']"
    found = value(
        tmp_path,
        expression,
        DATABASE_URL="postgres://me@db.example.org/blog",
        CACHE_URL="redis://cache.example.org:1/0",
    )
    assert "db.example.org" in found
    assert "cache.example.org" in found


@pytest.mark.parametrize(("url", "secure"), [("https://blog.example.org", "True"), ("http://localhost:8000", "False")])
def test_address_of_the_site_decides_whether_https_is_demanded(tmp_path: Path, url: str, secure: str) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_PRELOAD")
    found = value(tmp_path, f"[getattr(settings, name) for name in {names}]", SITE_URL=url)
    assert found == f"[{', '.join([secure] * len(names))}]"


def test_site_answers_to_its_own_name(tmp_path: Path) -> None:
    assert "blog.example.org" in value(tmp_path, "settings.ALLOWED_HOSTS", SITE_URL="https://blog.example.org")


def test_site_that_has_not_collected_its_styles_has_them_all_the_same(tmp_path: Path) -> None:
    code = """
import django, re
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
reader = Client(headers={"host": "localhost"})
page = reader.get("/")
assert page.status_code == 200, page.status_code
styles = re.findall(r'href="(/static/[^"]*css)"', page.content.decode())
assert styles
assert [reader.get(style).status_code for style in styles] == [200] * len(styles)
"""
    result = run(tmp_path, code, SECRET_KEY="x", STATIC_ROOT=str(tmp_path / "static"))
    assert result.returncode == 0, result.stderr


def test_former_names_are_answered_to_as_well(tmp_path: Path) -> None:
    expression = "settings.ALLOWED_HOSTS, settings.BROADSIDE_FORMER_HOSTS"
    found = value(tmp_path, expression, SITE_URL="https://a.example", FORMER_HOSTS="Old.example.org, b.wordpress.com,")
    assert found.endswith("'old.example.org', 'b.wordpress.com'] ['old.example.org', 'b.wordpress.com']")
    assert "a.example" in found


def test_example_names_every_setting_that_is_read() -> None:
    source = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    read = {part.split('"')[1] for part in source.replace("\n", " ").split("env.")[1:] if part.split("(")[0] in KINDS}
    assert len(read) > 10
    for name in read:
        assert f"{name}=" in example, name
        assert f"`{name}`" in readme, name


KINDS = {"bool", "str", "int", "list", "db_url", "cache_url"}


class TestMail:
    def test_without_an_address_there_is_no_mailer(self, tmp_path: Path) -> None:
        assert value(tmp_path, "settings.MAILERS") == "{}"

    def test_in_development_mails_are_printed(self, tmp_path: Path) -> None:
        assert "console" in value(tmp_path, "settings.MAILERS", DEBUG="1")

    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("smtp://mail.example.org", {"host": "mail.example.org", "port": None}),
            ("smtp+tls://mail.example.org:587", {"port": 587, "use_tls": True}),
            (
                "smtp+ssl://me%40x.org:a%23b%2F@mail.example.org",
                {"use_ssl": True, "username": "me@x.org", "password": "a#b/"},
            ),
        ],
    )
    def test_an_address_says_host_encryption_and_who_sends(self, url: str, options: dict[str, object]) -> None:
        made = mailers(url)["default"]["OPTIONS"]
        assert {name: made[name] for name in options} == options
        assert made["timeout"]

    @pytest.mark.parametrize(
        "url", ["mail.example.org", "smtp://", "pop3://a.example", "smtp://a.example:x", "smtp://me:s/cret@h"]
    )
    def test_a_wrong_address_is_refused_without_telling_the_password(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as error:
            mailers(url)
        assert "cret" not in str(error.value)

    def test_mails_come_from_the_site_unless_told_otherwise(self, tmp_path: Path) -> None:
        expression = "settings.DEFAULT_FROM_EMAIL"
        assert value(tmp_path, expression, SITE_URL="https://blog.example.org") == "noreply@blog.example.org"
        assert value(tmp_path, expression, EMAIL_FROM="Us <us@example.org>") == "Us <us@example.org>"

"""Settings come from environment variables, and a site that would be unsafe does not start."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.cache import caches
from config.data_folder import data_folder
from config.database import databases
from config.mail import mail_limits, mailbox_url, mailers
from config.storage import media_storage
from config.validation import hosts, language_code, site_url, time_zone
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

ROOT = Path(__file__).resolve().parent.parent.parent


def evaluate(tmp_path: Path, expression: str, **environment: str) -> str:
    """Return the printed value of `expression`, evaluated with these environment variables."""
    result = run(tmp_path, f"from config import settings; print({expression})", SECRET_KEY="x", **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_without_a_secret_key_the_site_does_not_start(tmp_path: Path) -> None:
    result = run(tmp_path, "import django; django.setup()")
    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr
    assert "make secret-key" in result.stderr


def test_settings_that_can_not_be_read_are_not_taken_for_missing(tmp_path: Path) -> None:
    env.read_file(tmp_path / "none")
    with pytest.raises(ImproperlyConfigured, match=r"can't be read: Is a directory\. .*as the user of the site"):
        env.read_file(tmp_path)


def test_the_log_of_the_web_server_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    result = run(tmp_path, "import config.rsgi", SECRET_KEY="x", TIME_ZONE="Nowhere/Bad")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: TIME_ZONE is 'Nowhere/Bad'. It should be")
    assert result.stderr.count("\n") == 1


def test_development_needs_no_secret_key(tmp_path: Path) -> None:
    assert run(tmp_path, "import django; django.setup()", DEBUG="1").returncode == 0


def test_garbage_is_collected_once_the_site_is_loaded_but_not_in_what_was_loaded(tmp_path: Path) -> None:
    code = "import gc, django; gc.disable(); django.setup(); print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    assert run(tmp_path, code, SECRET_KEY="x").stdout == "True True\n"


def test_all_data_is_in_one_folder(tmp_path: Path) -> None:
    expression = "settings.DATABASES['default']['NAME'], settings.MEDIA_ROOT, settings.CACHES['backend']['LOCATION']"
    assert evaluate(tmp_path, expression).count(str(tmp_path)) == 3


class TestDataFolder:
    def test_commands_create_it(self, tmp_path: Path) -> None:
        assert evaluate(tmp_path / "new", "settings.DATA_DIR") == str(tmp_path / "new")
        assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["broadside.sqlite3", "imports"]

    def test_the_doctor_says_that_it_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", ["manage.py", "doctor"])
        with pytest.raises(ImproperlyConfigured, match=r"new doesn't exist\. .* mount that.*BROADSIDE_DATA.*migrate"):
            data_folder(f"{tmp_path}/new")
        assert not (tmp_path / "new").exists()

    def test_the_error_says_why_it_can_not_be_created(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ImproperlyConfigured, match=r"file/new can't be created: Not a directory\."):
            data_folder(f"{tmp_path}/file/new")

    def test_it_may_be_read_only_once_it_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "imports").mkdir()
        (tmp_path / "broadside.sqlite3").touch()
        code = """
import pathlib
def refuse(*args, **kwargs):
    raise OSError(30, "Read-only file system")
pathlib.Path.touch = refuse
from config import settings
print(settings.DATA_DIR)
"""
        assert run(tmp_path, code, SECRET_KEY="x").stdout == f"{tmp_path}\n"

    def test_an_empty_variable_means_the_usual_folder(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, "settings.STATIC_ROOT", STATIC_ROOT="")
        assert found == str(ROOT / "staticfiles")


def test_the_database_and_the_cache_can_be_on_other_hosts(tmp_path: Path) -> None:
    expression = "settings.DATABASES['default']['HOST'], settings.CACHES['backend']['LOCATION']"
    found = evaluate(
        tmp_path,
        expression,
        DATABASE_URL="postgres://me@db.example.org/blog",
        CACHE_URL="redis://cache.example.org:1/0",
    )
    assert "db.example.org" in found
    assert "cache.example.org" in found


@pytest.mark.parametrize(("url", "secure"), [("https://blog.example.org", "True"), ("http://localhost:8000", "False")])
def test_the_url_of_the_site_decides_whether_https_is_required(tmp_path: Path, url: str, secure: str) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_PRELOAD")
    found = evaluate(tmp_path, f"[getattr(settings, name) for name in {names}]", SITE_URL=url)
    assert found == f"[{', '.join([secure] * len(names))}]"


def test_the_site_answers_to_its_own_host(tmp_path: Path) -> None:
    assert "blog.example.org" in evaluate(tmp_path, "settings.ALLOWED_HOSTS", SITE_URL="https://blog.example.org")


def test_static_files_are_served_before_they_are_collected(tmp_path: Path, copy_database: CopyDatabase) -> None:
    copy_database(tmp_path)
    code = """
import django, re
django.setup()
from django.test import Client
reader = Client(headers={"host": "localhost"})
page = reader.get("/")
assert page.status_code == 200, page.status_code
styles = re.findall(r'href="(/static/[^"]*css)"', page.content.decode())
assert styles
assert [reader.get(style).status_code for style in styles] == [200] * len(styles)
"""
    result = run(tmp_path, code, SECRET_KEY="x", STATIC_ROOT=str(tmp_path / "static"))
    assert result.returncode == 0, result.stderr


def test_static_files_of_a_new_version_are_served_before_they_are_collected(
    tmp_path: Path, copy_database: CopyDatabase, static_root: Path
) -> None:
    copy_database(tmp_path)
    static = tmp_path / "static"
    shutil.copytree(static_root, static)
    # The earlier version didn't have this file.
    manifest = json.loads((static / "staticfiles.json").read_text())
    del manifest["paths"]["css/site.css"]
    (static / "staticfiles.json").write_text(json.dumps(manifest))
    for file in (static / "css").glob("site.*"):
        file.unlink()
    code = """
import django, re
django.setup()
from django.test import Client
reader = Client(headers={"host": "localhost"})
page = reader.get("/")
assert page.status_code == 200, page.status_code
assert 'href="/static/css/site.css"' in page.content.decode()
assert reader.get("/static/css/site.css").status_code == 200
"""
    result = run(tmp_path, code, SECRET_KEY="x", STATIC_ROOT=str(static))
    assert result.returncode == 0, result.stderr


def test_the_site_answers_to_its_former_hosts(tmp_path: Path) -> None:
    expression = "settings.ALLOWED_HOSTS, settings.BROADSIDE_FORMER_HOSTS"
    found = evaluate(
        tmp_path, expression, SITE_URL="https://a.example", FORMER_HOSTS="Old.example.org, b.wordpress.com,"
    )
    assert found.endswith("'old.example.org', 'b.wordpress.com'] ['old.example.org', 'b.wordpress.com']")
    assert "a.example" in found


def test_the_example_and_the_readme_document_every_variable() -> None:
    source = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    read = {part.split('"')[1] for part in source.replace("\n", " ").split("env.")[1:] if part.split("(")[0] in KINDS}
    assert len(read) > 10
    for name in read:
        assert f"{name}=" in example, name
        assert f"`{name}`" in readme, name


class TestDatabase:
    def test_is_a_sqlite_file_unless_a_server_is_configured(self, tmp_path: Path) -> None:
        found = configure("", tmp_path)
        assert list(found) == ["default"]
        assert found["default"]["NAME"] == f"{tmp_path}/broadside.sqlite3"
        assert "WAL" in found["default"]["OPTIONS"]["init_command"]
        assert found["default"]["CONN_MAX_AGE"] is None

    def test_any_folder_can_contain_the_sqlite_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "my blog+%41#?é"
        assert configure("", folder)["default"]["NAME"] == f"{folder}/broadside.sqlite3"

    def test_commits_to_sqlite_survive_a_power_cut(self, tmp_path: Path) -> None:
        assert "PRAGMA synchronous=FULL;" in configure("", tmp_path)["default"]["OPTIONS"]["init_command"]

    def test_a_server_gets_a_pool_and_prepared_statements(self, tmp_path: Path) -> None:
        found = configure("postgres://me@db.example.org/blog?sslmode=require", tmp_path)["default"]
        assert [found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]] == [0, True]
        assert found["OPTIONS"] == {
            "sslmode": "require",
            "connect_timeout": 5,
            "server_side_binding": True,
            "prepare_threshold": 5,
            "pool": {"min_size": 0, "max_size": 10, "timeout": 5, "reconnect_timeout": 5},
        }

    def test_the_pool_and_prepared_statements_can_be_turned_off(self, tmp_path: Path) -> None:
        found = configure("postgres://me@db.example.org/blog", tmp_path, pool=0, prepare=False)["default"]
        assert found["CONN_MAX_AGE"] == 60
        assert found["OPTIONS"] == {"connect_timeout": 5}

    def test_replicas_have_less_time_to_answer(self, tmp_path: Path) -> None:
        urls = ["postgres://me@a.example.org/blog", "postgres://me@b.example.org/blog"]
        found = configure("postgres://me@db.example.org/blog", tmp_path, *urls)
        assert [item["HOST"] for item in found.values()] == ["db.example.org", "a.example.org", "b.example.org"]
        assert [item["OPTIONS"]["pool"]["timeout"] for item in found.values()] == [5, 1, 1]

    @pytest.mark.parametrize("url", ["", "sqlite:////srv/blog.sqlite3"])
    def test_replicas_need_a_server(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_REPLICA_URLS"):
            configure(url, tmp_path, "postgres://me@a.example.org/blog")

    @pytest.mark.parametrize(
        "url",
        [
            *("secret", "mysql://me:secret@host/blog", "postgres://me:secret@host:x/blog", "redid://me:secret@host"),
            *("postgres://me:p@secret/w@host/blog", "postgres://me:p@secret#w@host/blog"),
        ],
    )
    def test_the_error_about_an_invalid_url_does_not_contain_the_password(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not valid") as raised:
            configure(url, tmp_path)
        assert "secret" not in str(raised.value)

    def test_without_the_postgresql_client_the_site_does_not_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("config.database.find_spec", lambda name: None)
        with pytest.raises(ImproperlyConfigured, match="uv sync --extra postgres"):
            configure("postgres://me@db.example.org/blog", tmp_path)

    def test_only_web_servers_have_statement_timeouts(self, tmp_path: Path) -> None:
        code = (
            "import django; django.setup();"
            "from django.db import connection; print(connection.get_connection_params().get('options'));"
            "from config import wsgi; print(connection.get_connection_params().get('options'))"
        )
        result = run(tmp_path, code, SECRET_KEY="x", DATABASE_URL="postgres://me@db.example.org/blog")
        assert result.stdout.splitlines() == [
            "None",
            "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=600s",
        ]


def configure(
    url: str, folder: Path, *replicas: str, pool: int = 10, max_age: int = 60, prepare: bool = True
) -> dict[str, dict[str, Any]]:
    return databases(url, list(replicas), folder, pool=pool, max_age=max_age, prepare=prepare)


class TestMediaStorage:
    def test_is_a_folder_unless_a_bucket_is_configured(self) -> None:
        assert media_storage("") == {"BACKEND": "media.storage.MediaStorage"}
        storage = media_storage("s3://key:a%2Fb@s3.example.org:9000/bucket/blog?region=eu-west-1")
        assert storage["BACKEND"] == "media.bucket.BucketStorage"
        assert storage["OPTIONS"] == {
            "endpoint_url": "https://s3.example.org:9000",
            "access_key": "key",
            "secret_key": "a/b",
            "bucket_name": "bucket",
            "location": "blog",
            "region_name": "eu-west-1",
        }

    @pytest.mark.parametrize(
        "url",
        [
            "secret",
            "s3://host/bucket",
            "s3://key:secret@host",
            "s3://key:secret@host:x/bucket",
            "https://key:secret@host/bucket",
            "s3://key:secret@[/bucket",
        ],
    )
    def test_an_invalid_url_is_explained_without_the_secret(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="STORAGE_URL is not valid") as raised:
            media_storage(url)
        assert "@host" not in str(raised.value)


KINDS = {"text", "items", "number", "switch"}


class TestCache:
    def test_without_a_url_it_is_stored_in_files(self, tmp_path: Path) -> None:
        assert caches("", tmp_path)["backend"]["LOCATION"] == str(tmp_path)

    @pytest.mark.parametrize(
        ("url", "location"),
        [
            ("redis://cache.example.org:1/0", "redis://cache.example.org:1/0"),
            ("rediss://:secret@cache.example.org/2", "rediss://:secret@cache.example.org/2"),
            ("valkey://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
            ("valkeys://cache.example.org/0", "rediss://cache.example.org/0"),
            ("redis:///run/valkey.sock", "unix:///run/valkey.sock"),
        ],
    )
    def test_a_server_has_little_time_to_answer(self, url: str, location: str, tmp_path: Path) -> None:
        backend = caches(url, tmp_path)["backend"]
        assert backend["LOCATION"] == location
        assert backend["OPTIONS"] == {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}

    def test_the_url_can_give_it_more_time(self, tmp_path: Path) -> None:
        options = caches("redis://127.0.0.1/0?socket_timeout=2", tmp_path)["backend"]["OPTIONS"]
        assert options == {"socket_connect_timeout": 0.5, "socket_timeout": 2}

    @pytest.mark.parametrize("url", ["127.0.0.1:6379", "redid://me:secret@a.example", "nonsense"])
    def test_the_error_about_an_invalid_url_does_not_contain_the_password(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="CACHE_URL is not valid") as error:
            caches(url, tmp_path)
        assert "secret" not in str(error.value)


class TestMail:
    def test_without_a_url_there_is_no_mailer(self, tmp_path: Path) -> None:
        assert evaluate(tmp_path, "settings.MAILERS") == "{}"

    def test_in_development_messages_are_printed(self, tmp_path: Path) -> None:
        assert "console" in evaluate(tmp_path, "settings.MAILERS", DEBUG="1")

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
    def test_the_url_contains_the_host_encryption_and_login(self, url: str, options: dict[str, object]) -> None:
        mailer_options = mailers(url)["default"]["OPTIONS"]
        assert {name: mailer_options[name] for name in options} == options
        assert mailer_options["timeout"]

    @pytest.mark.parametrize(
        "url", ["mail.example.org", "smtp://", "pop3://a.example", "smtp://a.example:x", "smtp://me:s/cret@h"]
    )
    def test_the_error_about_an_invalid_url_does_not_contain_the_password(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as error:
            mailers(url)
        assert "cret" not in str(error.value)

    def test_limits_are_given_by_domain(self) -> None:
        assert mail_limits(["Example.org = 10", "", "*=60"]) == {"example.org": 10, "*": 60}
        for item in ("example.org", "=10", "example.org=0", "example.org=x", "example.org=-1"):
            with pytest.raises(ImproperlyConfigured, match="MAIL_LIMITS"):
                mail_limits([item])

    @pytest.mark.parametrize("url", ["", "maildir:///var/mail/x", "imaps://me:s%40cret@mail.example.org/INBOX"])
    def test_a_mailbox_is_a_maildir_or_on_an_imap_server(self, url: str) -> None:
        assert mailbox_url(url) == url

    @pytest.mark.parametrize(
        "url", ["maildir:relative", "imap://me:secret@a.example", "imaps://a.example/INBOX", "imaps://me:secret@a:x"]
    )
    def test_the_error_about_an_invalid_mailbox_does_not_contain_the_password(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="BOUNCE_MAILBOX") as error:
            mailbox_url(url)
        assert "secret" not in str(error.value)

    def test_messages_are_from_the_site_unless_email_from_is_set(self, tmp_path: Path) -> None:
        expression = "settings.DEFAULT_FROM_EMAIL"
        assert evaluate(tmp_path, expression, SITE_URL="https://blog.example.org") == "noreply@blog.example.org"
        assert evaluate(tmp_path, expression, EMAIL_FROM="Us <us@example.org>") == "Us <us@example.org>"


class TestEnvironmentVariables:
    def test_a_text_is_used_unchanged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AKISMET_KEY", "$HOME, ")
        assert env.text("AKISMET_KEY") == "$HOME, "

    @pytest.mark.parametrize("value", ["16MB", "-1", "1.5", "one", "²"])
    def test_an_invalid_number_is_named_in_the_error(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CACHE_MAX_MB", value)
        with pytest.raises(ImproperlyConfigured, match=f"CACHE_MAX_MB is '{value}'. .* whole number, such as 256"):
            env.number("CACHE_MAX_MB", default=256)

    @pytest.mark.parametrize(
        ("value", "is_on"), [("1", True), (" Yes", True), ("0", False), ("off", False), ("", True)]
    )
    def test_a_switch_is_on_or_off(self, value: str, is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_PREPARE", value)
        assert env.switch("DATABASE_PREPARE", default=True) is is_on

    def test_an_invalid_switch_is_named_in_the_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BEHIND_PROXY", "nginx")
        with pytest.raises(ImproperlyConfigured, match=r"BEHIND_PROXY is 'nginx'. It should be 1 \(on\) or 0 \(off\)"):
            env.switch("BEHIND_PROXY", default=False)

    def test_an_empty_variable_counts_as_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CACHE_MAX_MB", "")
        assert env.number("CACHE_MAX_MB", default=256) == 256
        assert env.switch("CACHE_MAX_MB", default=True)

    @pytest.mark.parametrize("value", ["https://blog.example.org/", "http://localhost:8000", "http://[::1]:8000"])
    def test_the_url_of_the_site_has_no_trailing_slash(self, value: str) -> None:
        assert site_url(value) == value.rstrip("/")

    @pytest.mark.parametrize(
        "value",
        [
            *("", "blog.example.org", "https://", "ftp://blog.example.org", "https://example.org/blog"),
            *("https://example.org?a", "https://example.org:port", "https://[::1", "https://me@example.org"),
        ],
    )
    def test_an_invalid_url_of_the_site_is_refused(self, value: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"SITE_URL is .* such as https://blog\.example\.org"):
            site_url(value)

    def test_hosts_are_not_urls(self) -> None:
        assert hosts("FORMER_HOSTS", [" Name.wordpress.com", "", "[::1]"]) == ["name.wordpress.com", "[::1]"]
        with pytest.raises(ImproperlyConfigured, match="FORMER_HOSTS contains 'https://old"):
            hosts("FORMER_HOSTS", ["new.example.org", "https://old.example.org/"])

    @pytest.mark.parametrize("value", ["Mars", "", "Europe", "../../etc/passwd", "/etc/localtime", "Europe/\0"])
    def test_an_unknown_time_zone_is_refused(self, value: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="TIME_ZONE is"):
            time_zone(value)

    @pytest.mark.parametrize("value", ["en", "en-us", "pt-BR", "ar-dz", "zh-hans"])
    def test_any_language_of_django_can_be_the_language_of_the_site(self, value: str) -> None:
        assert language_code(value) == value

    @pytest.mark.parametrize("value", ["", "xx", "English"])
    def test_an_unknown_language_is_refused(self, value: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="LANGUAGE_CODE is"):
            language_code(value)

    def test_commands_report_an_invalid_setting_in_one_line(self, tmp_path: Path) -> None:
        command = (
            "import runpy, sys; sys.argv = ['manage.py', 'check']; runpy.run_path('manage.py', run_name='__main__')"
        )
        result = run(tmp_path, command, SECRET_KEY="x", TRUSTED_PROXIES="one")
        assert result.returncode == 1
        assert result.stderr == "Error: TRUSTED_PROXIES is 'one'. It should be a whole number, such as 0.\n"

    @pytest.mark.parametrize(
        "interrupt",
        [
            "import django.core.management; django.core.management.execute_from_command_line = press",
            # While Django is being imported.
            (
                "find = lambda name, *_: press() if name == 'django.db' else None;"
                "sys.meta_path.insert(0, type('', (), {'find_spec': find}))"
            ),
        ],
    )
    def test_ctrl_c_ends_a_command_without_a_traceback(self, tmp_path: Path, interrupt: str) -> None:
        command = (
            "import runpy, signal, sys; sys.argv = ['manage.py', 'check'];"
            "press = lambda *_: signal.default_int_handler(signal.SIGINT, None);"
            f"{interrupt}; runpy.run_path('manage.py', run_name='__main__')"
        )
        result = run(tmp_path, command)
        assert (result.returncode, result.stderr) == (130, "\nInterrupted.\n")

    def test_commands_report_an_unavailable_database_without_a_traceback(self, tmp_path: Path) -> None:
        command = (
            "import runpy, sys; sys.argv = ['manage.py', 'migrate']; runpy.run_path('manage.py', run_name='__main__')"
        )
        address = "postgres://me@127.0.0.1:1/blog"  # where nothing listens
        result = run(tmp_path, command, SECRET_KEY="x", DATABASE_URL=address, DATABASE_POOL="0")
        assert result.returncode == 1
        assert result.stderr.startswith("Error: the database can't be used: ")
        assert result.stderr.endswith("\nRun `manage.py doctor`, which says what to do.\n")
        assert "Traceback" not in result.stderr

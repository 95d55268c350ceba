"""The files in deploy/ are accepted by the programs that read them, and refer only to what exists."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from config.proxy_errors import proxy_errors
from core.languages import SHIPPED
from operations.serving import supervisor
from tests.factories.programs import ROOT

DEPLOY = ROOT / "deploy"


def check(program: str, *arguments: object, **environment: str) -> tuple[int, str]:
    """Run a program that checks a file, and return its exit status and output."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed.")
        pytest.skip(f"{program} is not installed.")
    done = subprocess.run(  # noqa: S603  our own arguments
        [program, *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def texts() -> dict[str, str]:
    """Return the text of each file by name, except Python code."""
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit of the site, with paths and a user that exist here, since systemd checks those, too."""
    text = (DEPLOY / "systemd" / "broadside.service").read_text(encoding="utf-8")
    path = tmp_path / "broadside.service"
    path.write_text(text.replace("/srv/broadside/current", str(ROOT)).replace("User=broadside", "User=daemon"))
    return path


class TestSystemd:
    def test_accepts_the_unit(self, unit: Path) -> None:
        # systemd only warns about unknown options.
        assert check("systemd-analyze", "verify", "--recursive-errors=no", unit) == (0, "")

    def test_starts_the_site_again_for_as_long_as_it_takes(self, unit: Path) -> None:
        assert {"StartLimitIntervalSec=0", "Restart=always"} <= set(unit.read_text().splitlines())

    def test_rates_the_unit_as_well_confined(self, unit: Path) -> None:
        # The threshold is in tenths. docs/running.md lists what is missing.
        status, output = check("systemd-analyze", "security", "--offline=yes", "--threshold=12", "--no-pager", unit)
        assert status == 0, output

    def test_creates_the_user_and_the_folders(self) -> None:
        users, folders = DEPLOY / "systemd" / "sysusers.conf", DEPLOY / "systemd" / "tmpfiles.conf"
        status, output = check("systemd-sysusers", "--dry-run", users)
        assert (status, "broadside" in output or output == "") == (0, True), output
        lines = [line.split() for line in folders.read_text().splitlines() if line and not line.startswith("#")]
        # Which folders are private, and who can write to and read each.
        assert {path: (mode, user, group) for _kind, path, mode, user, group in lines} == {
            "/srv/broadside": ("0755", "root", "root"),
            "/srv/broadside/releases": ("0755", "root", "root"),
            "/etc/broadside": ("0750", "root", "broadside"),
            "/etc/broadside/settings": ("0640", "root", "broadside"),
            "/var/lib/broadside": ("0700", "broadside", "broadside"),
            "/var/backups/broadside": ("0700", "broadside", "broadside"),
        }


@pytest.mark.parametrize(("name", "option"), [("nginx.conf", "keepalive_timeout"), ("Caddyfile", "keepalive")])
def test_proxies_close_idle_connections_before_a_replaced_web_server_does(name: str, option: str) -> None:
    # A proxy that has sent a comment on a connection that is being closed can't know whether to send it again.
    upstream = re.search(rf"(?:upstream broadside|transport http) \{{[^}}]*\s{option} (\d+)s", texts()[name])
    assert upstream
    assert int(upstream[1]) < supervisor._RETIREMENT


def test_caddy_accepts_the_caddyfile(tmp_path: Path) -> None:
    file = DEPLOY / "Caddyfile"
    status, output = check("caddy", "validate", "--adapter", "caddyfile", "--config", file, XDG_DATA_HOME=str(tmp_path))
    assert status == 0, output


def test_both_proxies_say_the_same_in_their_own_errors() -> None:
    nginx, caddy = texts()["nginx.conf"], texts()["Caddyfile"]
    made = {name for name, _page in proxy_errors([])}
    shown = set(re.findall(r"error_page [\d =]+/static/errors/([a-z-]+);", nginx))
    assert {f"errors/{name}.html" for name in shown} <= made
    # Caddy can't limit how many requests come at once, and leaves refusing strangers to Broadside.
    assert set(re.findall(r"\bpage ([a-z-]+)\n", caddy)) == shown - {"too-many", "logged-out"}
    assert len(made) == len(shown) * (len(SHIPPED) + 1)
    for text in (nginx, caddy):
        (pattern,) = re.findall(r'"~(.*ar\|.*)" "?\$', text)
        assert pattern.replace("?<accepted>", "") == rf"^(?:[^,]*,)*? *({'|'.join(SHIPPED)})\b"
        assert text.count('"This can\'t be done at the moment. Please go back, and try again in a minute."') == 1


def test_the_management_commands_exist() -> None:
    text = "\n".join(texts().values())
    named = set(re.findall(r"manage\.py,? (\w+)", text))
    assert {"serve", "migrate"} <= named
    assert named - set(get_commands()) == set()


def test_the_image_is_built_from_packages_that_exist() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    code = re.search(r"compileall -q ([a-z ]+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert code
    assert all((ROOT / app / "__init__.py").exists() for app in code[1].split())
    assert not set(code[1].split()) & set(ignored)


def test_the_files_agree_about_folders() -> None:
    files = texts()
    compose, nginx = files["compose.yaml"], files["nginx.conf"]
    (static,) = re.findall(r"alias (\S+)/;", nginx)
    (certificate,) = set(re.findall(r"ssl_certificate(?:_key)? (\S+)/\w+\.pem;", nginx))
    assert f"static:{static}:ro" in compose
    assert f":{certificate}:ro" in compose
    for data in ("/var/lib/broadside", "/var/backups/broadside"):
        assert all(data in files[name] for name in ("Dockerfile", "compose.yaml", "tmpfiles.conf"))
    (code,) = set(re.findall(r"^WORKDIR (\S+)$", files["Dockerfile"], re.MULTILINE))
    assert static == f"{code}/staticfiles"
    assert f"WorkingDirectory={code}\n" in files["broadside.service"]
    assert f"{code}/manage.py" in files["broadside"]


class TestGuide:
    """docs/running.md. `.ci/running` runs its commands in a new system."""

    TEXT = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")

    def test_names_files_that_exist(self) -> None:
        files = set(re.findall(r"(?<![\w/])deploy/[\w./]+\w|(?<=/current/)deploy/[\w./]+\w", self.TEXT))
        assert {"deploy/upgrade.py", "deploy/broadside", "deploy/systemd/broadside.service"} <= files
        assert [name for name in files if not (ROOT / name).exists()] == []

    def test_names_commands_that_exist(self) -> None:
        named = set(re.findall(r"(?<![\w/.:=-])broadside (?!NAME)([a-z_]+)", "".join(self.blocks())))
        assert {"createsuperuser", "backup", "restore", "doctor"} <= named
        assert named - set(get_commands()) == set()

    def blocks(self) -> list[str]:
        return re.findall(r"^```sh[a-z ]*\n(.*?)^```", self.TEXT, re.DOTALL | re.MULTILINE)

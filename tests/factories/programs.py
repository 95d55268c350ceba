"""Running code, and the site's web server, in separate processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.factories.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# A developer's `.env` must not be read. Garbage is not collected until Django is set up, as in manage.py.
_PRELUDE = "import environ, gc; environ.Env.read_env = lambda *a, **k: None; gc.disable()\n"
_SERVE = """
from granian import Granian
if __name__ == "__main__":
    Granian("config.rsgi:application", address="127.0.0.1", port={port}, interface="rsgi",
            websockets=False, log_enabled=False, workers=1).serve()
"""


def _environment(data: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without the variables that settings read, except for the given ones."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**inherited, "DJANGO_SETTINGS_MODULE": "config.settings", "BROADSIDE_DATA": str(data), **environment}


def run(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new Python process, without the environment variables that settings read."""
    return subprocess.run(  # noqa: S603  our own Python and our own code
        [sys.executable, "-c", f"{_PRELUDE}{code}"],
        cwd=ROOT,
        env=_environment(tmp_path, environment),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def serve(data: Path, **environment: str) -> Iterator[int]:
    """Run the site as in production, with one worker, and yield its port on 127.0.0.1."""
    port = free_port()
    program = data / "serve.py"
    program.write_text(_PRELUDE + _SERVE.format(port=port))
    environment = {"PYTHONPATH": str(ROOT), **environment}
    server = subprocess.Popen([sys.executable, program], cwd=ROOT, env=_environment(data, environment))  # noqa: S603  as above
    try:
        while True:
            assert server.poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait()

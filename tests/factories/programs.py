"""Programs that run beside the tests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def run(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh Python, with nothing of this one's environment that settings read."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # A folder of its own: a developer's `.env` beside manage.py must not answer for it.
    program = f"import environ; environ.Env.read_env = lambda *a, **k: None\n{code}"
    return subprocess.run(  # noqa: S603  (our own Python and our own code)
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", "BROADSIDE_DATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )

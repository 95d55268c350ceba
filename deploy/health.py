"""Exit with an error unless the site responds on this machine: `health.py [PATH [SECONDS]]`.

PATH is /readyz/web (can it answer readers?) or another one from operations.health. SECONDS is how long it may take.
"""

import http.client
import sys
import time

path = sys.argv[1] if len(sys.argv) > 1 else "/readyz/web"
deadline = time.monotonic() + (float(sys.argv[2]) if len(sys.argv) > 2 else 0)


def ask() -> str:
    """Return the problem; an empty string if there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=8)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError as error:
        return f"The site does not answer: {error}"
    return "" if status == 200 else f"{path} has the status {status}."


while problem := ask():
    if time.monotonic() > deadline:
        sys.exit(problem)
    time.sleep(0.5)

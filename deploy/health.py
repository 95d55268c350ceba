"""Exit with an error unless the site responds on this machine: `health.py [PATH]`.

PATH is /readyz/web (can it answer readers?) or another one from operations.health.
"""

import http.client
import sys

path = sys.argv[1] if len(sys.argv) > 1 else "/readyz/web"
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=8)
try:
    connection.request("GET", path)
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"The site does not answer: {error}")
if status != 200:
    sys.exit(f"{path} has the status {status}.")

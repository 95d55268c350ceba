"""Ends with an error unless the site answers on this machine. `robots.txt` needs the database, and little else."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=8)
# As from the proxy, so that there is no redirect to HTTPS.
connection.request("GET", "/robots.txt", headers={"X-Forwarded-Proto": "https"})
status = connection.getresponse().status
sys.exit(0 if status == 200 else f"robots.txt has the status {status}.")

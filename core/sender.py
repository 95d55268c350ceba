"""The anonymous sender of a request, for rate limits: a hash of the IP address, with a key that changes daily."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac


def sender(request: HttpRequest) -> str:
    """Return a hash of the sender's IP address that changes daily; empty if the address is unknown.

    The address is the connection's or, behind trusted proxies (settings), what the outermost of them saw.
    IPv6 addresses count by network (64 bits), because a customer gets a whole one.
    """
    proxies: int = settings.BROADSIDE_TRUSTED_PROXIES
    header = request.headers.get(settings.BROADSIDE_CLIENT_ADDRESS_HEADER, "")
    forwarded = header.split(",") if header else []
    # Each proxy appends the address it saw. Anything before that may be forged.
    client: str = forwarded[-proxies] if len(forwarded) >= proxies > 0 else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(client.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False).network_address
    today = timezone.now().date().isoformat()
    return salted_hmac(f"core.sender.{today}", str(address), algorithm="sha256").hexdigest()

"""A software device that creates and uses passkeys. Source: W3C, "Web Authentication", Level 3."""

import base64
import json
import secrets
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


class Passkey:
    """A passkey on a device that recognises its user, unless `is_verified` is False. It doesn't count its uses."""

    def __init__(self, *, origin: str = "http://testserver", is_verified: bool = True, counter: int = 0) -> None:
        self.origin, self.is_verified, self.counter = origin, is_verified, counter
        self.id = secrets.token_bytes(16)
        self.user_handle = ""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: Any) -> str:
        """Return what the browser sends after creating this passkey with the `options` of the page."""
        options = _public_key(options)
        self.user_handle = options["user"]["id"]
        public_key = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]  # in fido2
        key = cbor.encode(dict(public_key))
        data = self._data(_HAS_KEY) + bytes(16) + len(self.id).to_bytes(2) + self.id + key
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._credential(clientDataJSON=client_data, attestationObject=attestation)

    def use(self, options: Any, *, user_handle: str | None = None) -> str:
        """Return what the browser sends after using this passkey, which claims to belong to the user `user_handle`."""
        client_data = self._client_data("webauthn.get", _public_key(options)["challenge"])
        data = self._data(0)
        signature = self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        fields = {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        return self._credential(**fields, userHandle=self.user_handle if user_handle is None else user_handle)

    def _data(self, flags: int) -> bytes:
        host = self.origin.partition("://")[2].partition(":")[0]
        flags |= _PRESENT | (_VERIFIED if self.is_verified else 0)
        return sha256(host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, **response: bytes | str) -> str:
        fields = {name: value if isinstance(value, str) else _text(value) for name, value in response.items()}
        return json.dumps(
            {
                "id": _text(self.id),
                "rawId": _text(self.id),
                "type": "public-key",
                "response": fields,
                "clientExtensionResults": {"credProps": {"rk": True}},
            }
        )


def _public_key(options: Any) -> Any:
    return (json.loads(options) if isinstance(options, str) else options)["publicKey"]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Signs upgrade requests as the platform does, and wrongly in any one place that a case asks for (P2.5).

It stands apart from `offhook.protocol.signature`, so that a mistake there cannot hide itself here.
"""

from __future__ import annotations

import base64
import hmac
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: What the platform covers, in its order.
COVERED: Final = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)


@dataclass(frozen=True)
class Signing:
    """How a request is signed; the defaults are the platform's.

    Attributes:
        components: Covered, in this order.
        label: In both dictionaries.
        age: Seconds since `created`; negative: it lies in the future.
        lifetime: Seconds from `created` to `expires`.
        nonce: None for a fresh one, "" for none.
        keyid: None for the API key.
        alg: Of the parameters; "" leaves it out.
        further: More parameters, serialised.
        left_out: Names of parameters that are missing.
        backwards: Parameters stand in reverse order.
    """

    components: Sequence[str] = COVERED
    label: str = "sig1"
    age: float = 0.0
    lifetime: float = 30.0
    nonce: str | None = None
    keyid: str | None = None
    alg: str = "hmac-sha256"
    further: str = ""
    left_out: Sequence[str] = ()
    backwards: bool = False

    def sign(self, fields: Mapping[str, str], target: str, authority: str, secret: bytes) -> dict[str, str]:
        """The two fields to add to a request with these fields."""
        lower = {name.lower(): value for name, value in fields.items()}
        values = lower | {"@request-target": target, "@authority": authority, "host": authority}
        parameters = self._parameters(lower.get("x-api-key", ""))
        lines = [f'"{name}": {values.get(name, "")}' for name in self.components]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        digest = base64.b64encode(hmac.digest(secret, base.encode(), "sha256")).decode()
        return {"Signature-Input": f"{self.label}={parameters}", "Signature": f"{self.label}=:{digest}:"}

    def _parameters(self, key: str) -> str:
        nonce = base64.b64encode(os.urandom(18)).decode() if self.nonce is None else self.nonce
        created = int(time.time() - self.age)
        listed = " ".join(f'"{name}"' for name in self.components)
        parts = {"keyid": f'"{key if self.keyid is None else self.keyid}"'}
        parts |= {"nonce": f'"{nonce}"'} if nonce else {}
        parts |= {"alg": f'"{self.alg}"'} if self.alg else {}
        parts |= {"created": str(created), "expires": str(int(created + self.lifetime))}
        written = [f"{name}={value}" for name, value in parts.items() if name not in self.left_out]
        return f"({listed});" + ";".join(reversed(written) if self.backwards else written) + self.further


def identity(organization: str, key: str, session_id: str | None = None) -> dict[str, str]:
    """The fields that the platform sends besides the signature (P2.2)."""
    return {
        "User-Agent": "GenesysCloud-AudioHook-Client",
        "Audiohook-Organization-Id": organization,
        "Audiohook-Session-Id": session_id or str(uuid.uuid4()),
        "Audiohook-Correlation-Id": str(uuid.uuid4()),
        "Audiohook-Retry-Attempt": "0",
    } | ({"X-API-KEY": key} if key else {})

"""Public keys that verify tokens: those of an issuer, and that of a client which signs with a private key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from verwerkingenlogging.errors import ConfigurationError

__all__ = ["ALGORITHMS", "PublicKey", "key_for"]

ALGORITHMS = ("RS256", "PS256", "ES256")
"""What a token may be signed with by who has a private key."""
_KINDS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
_RSA_BITS_MIN = 2048
_CURVE = "P-256"


def key_for(jwk: Any, algorithm: str) -> jwt.PyJWK | None:
    """The key in a JWK (RFC 7517), if it is a public key for signatures with that algorithm. A secret (``oct``) never is one."""
    if not (
        isinstance(jwk, dict)
        and algorithm in _KINDS.get(str(jwk.get("kty")), ())
        and jwk.get("crv", _CURVE) == _CURVE  # PyJWT takes a key on any curve for ES256
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
    ):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if getattr(key.key, "key_size", 0) >= (_RSA_BITS_MIN if jwk["kty"] == "RSA" else 0) else None


class PublicKey:
    """The public key of a client, from PEM or a JWK. Raises ConfigurationError, naming the remedy, when it is not valid.

    Attributes:
        jwk: the same key as the text of a JWK, without anything else: what the register keeps.
    """

    __slots__ = ("_keys", "jwk")

    def __init__(self, text: str) -> None:
        if "PRIVATE KEY" in text:
            raise ConfigurationError(_PRIVATE)
        jwk = _jwk_of(text)
        if {"d", "k"} & jwk.keys():
            raise ConfigurationError(_PRIVATE)
        keys = {algorithm: key for algorithm in ALGORITHMS if (key := key_for(jwk, algorithm)) is not None}
        if not keys:
            raise ConfigurationError(_REMEDY)
        self.jwk = json.dumps({name: value for name, value in sorted(jwk.items()) if name in _KEPT})
        self._keys = keys

    def for_algorithm(self, algorithm: str) -> jwt.PyJWK | None:
        """The key for signatures with that algorithm; None when this key is not for it."""
        return self._keys.get(algorithm)

    def __repr__(self) -> str:
        return f"PublicKey({', '.join(self._keys)})"


def _jwk_of(text: str) -> Mapping[str, Any]:
    try:
        if "-----BEGIN" not in text:
            jwk = json.loads(text)
            return jwk if isinstance(jwk, dict) else {}
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return {}
    found: dict[str, Any] = {}
    if isinstance(key, RSAPublicKey):
        found = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, EllipticCurvePublicKey):
        found = jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)
    return {name: value for name, value in found.items() if name in _KEPT}


_KEPT = frozenset({"kty", "n", "e", "crv", "x", "y", "alg"})
_REMEDY = (
    "setting public_key: must be one public key, as PEM or as a JWK: RSA of at least 2048 bits or EC P-256; "
    "make both with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem, "
    "and: openssl pkey -in private.pem -pubout -out public.pem"
)
_PRIVATE = "setting public_key: this is a private key, which the client keeps to itself; give: openssl pkey -in FILE -pubout"

"""The certificate authorities that this machine trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

__all__ = ["system_authorities"]

_HASHED = "????????.[0-9]"
"""A certificate as OpenSSL looks it up."""


def system_authorities() -> ssl.SSLContext | None:
    """The certificate authorities of this machine; None when Python finds none.

    Not where ``SSL_CERT_FILE`` says that they are: where personal data goes is not the environment's to say. Nor an empty folder, as
    of a Python that was built elsewhere: then nobody would be trusted.
    """
    paths = ssl.get_default_verify_paths()
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file.is_file():
        context.load_verify_locations(cafile=file)
    elif any(folder.glob(_HASHED)):
        context.load_verify_locations(capath=folder)
    else:
        return None
    return context

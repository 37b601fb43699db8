"""Key stores as OpenDJ reads them, without a Java that takes its time to start: Java's own format, JKS.

In: a store and its password. Out: certificates and keys as OpenSSL takes them; a store that is damaged, or
that the password does not open, is refused. See JavaKeyStore.java and KeyProtector.java of OpenJDK 17.
"""

import hashlib
import io
import ssl
import struct

from options import Refused


class Store:
    """What a store holds: certificates that are trusted, and keys with their chains, by alias."""

    def __init__(self, path, password):
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise Refused(f"the store cannot be read: {error}", 8) from error
        self.secret = password.encode("utf-16-be")
        if data[:4] != b"\xfe\xed\xfe\xed":
            raise Refused(f"the store {path} is no JKS", 8)
        if hashlib.sha1(self.secret + b"Mighty Aphrodite" + data[:-20]).digest() != data[-20:]:
            raise Refused(f"the store {path} was tampered with, or its password is another", 8)
        self.rest = io.BytesIO(data[8:])
        self.trusted, self.keys = {}, {}
        for _ in range(self.number()):
            kind, alias = self.number(), self.text()
            self.rest.read(8)  # when it was made
            if kind == 1:
                key = self.rest.read(self.number())
                self.keys[alias] = (key, [self.certificate() for _ in range(self.number())])
            else:
                self.trusted[alias] = self.certificate()

    def number(self):
        return struct.unpack(">I", self.rest.read(4))[0]

    def text(self):
        return self.rest.read(struct.unpack(">H", self.rest.read(2))[0]).decode()

    def certificate(self):
        self.text()  # of which kind: X.509
        return ssl.DER_cert_to_PEM_cert(self.rest.read(self.number()))

    def pair(self, alias):
        """A key, which has the store's password, and its chain: PEM."""
        if alias not in self.keys:
            raise Refused(f"the store has no key {alias}", 8)
        key, chain = self.keys[alias]
        plain = ssl.DER_cert_to_PEM_cert(self.opened(last(key))).replace("CERTIFICATE", "PRIVATE KEY")
        return plain + "".join(chain)

    def opened(self, data):
        salt, hidden, check = data[:20], data[20:-20], data[-20:]
        stream, block = b"", salt
        while len(stream) < len(hidden):
            block = hashlib.sha1(self.secret + block).digest()
            stream += block
        plain = bytes(one ^ other for one, other in zip(hidden, stream))
        if hashlib.sha1(self.secret + plain).digest() != check:
            raise Refused("the password of the key is another than the store's", 8)
        return plain


def last(der):
    """The content of the last part of a sequence."""
    parts = content(der)[0]
    while parts:
        found, parts = content(parts)
    return found


def content(der):
    """The content of what comes first, and what follows it."""
    length, at = der[1], 2
    if length > 127:
        at += length - 128
        length = int.from_bytes(der[2:at], "big")
    return der[at:at + length], der[at + length:]

"""To a server's administration connector, over TLS: whom the trust store believes, by its name.

A request and its answer are a line of JSON each.
"""

import json
import os
import re
import socket
import ssl
import subprocess

from options import Refused
from store import Store

TIMEOUT = 5


def run(*words, text=None):
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


class Connection:
    """To a server's administration connector, as somebody."""

    def __init__(self, given, host, port, bind_dn, bind_password):
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.who = {"dn": bind_dn.lower(), "password": bind_password}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if "trustAll" not in given:
            if "trustStorePath" not in given:
                raise Refused(f"unable to connect to {self.name}: no certificate is trusted", 8)
            self.trust(context, given)
            context.check_hostname = True
        try:
            plain = socket.create_connection((host, int(port)), TIMEOUT)
            self.socket = context.wrap_socket(plain, server_hostname=host)
        except OSError as error:
            raise Refused(f"unable to connect to {self.name}: {error}", 8) from error
        # JNDI looks at the name even where every certificate is believed
        off = "disableEndpointIdentification=true" in os.environ.get("OPENDJ_JAVA_ARGS", "")
        if given["tool"] == "dsreplication" and not off:
            self.identify(host)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        self.ask("bind")

    def trust(self, context, given):
        store = Store(given["trustStorePath"][0], given["trustStorePasswordFile"][0])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata="".join(store.trusted.values()))

    def identify(self, host):
        pem = ssl.DER_cert_to_PEM_cert(self.socket.getpeercert(True))
        kind = "-checkip" if re.fullmatch(r"[0-9.]+|.*:.*", host) else "-checkhost"
        if "does match" not in run("openssl", "x509", "-noout", kind, host, text=pem):
            raise Refused(f"unable to connect to {self.name}: no name matching {host} found", 8)

    def ask(self, what, **more):
        self.file.write(json.dumps({"what": what, **self.who, **more}) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline() or '{"wrong": "the connection was closed"}')
        if "wrong" in answer:
            raise Refused(f"{self.name}: {answer['wrong']}", 8)
        return answer["answer"]

"""To a server's administration connector, over TLS: whom the trust store believes, by its name.

A request and its answer are a line of JSON each.
"""

import json
import os
import re
import socket
import ssl
import subprocess
import tempfile

from options import Refused

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
        with tempfile.NamedTemporaryFile("w") as pin:
            pin.write(given["trustStorePasswordFile"][0])
            pin.flush()
            store = ["-keystore", given["trustStorePath"][0], "-storepass:file", pin.name]
            try:
                pem = run("keytool", "-list", "-rfc", *store)
            except subprocess.CalledProcessError as error:
                raise Refused(f"the trust store cannot be read: {error.stdout}", 8) from error
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata="".join(re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", pem, re.S)))

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

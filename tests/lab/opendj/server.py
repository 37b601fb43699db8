"""The server that OpenDJ's tools talk to, and what the vendor's installer makes of it.

What it knows lies in db/. It has no LDAP, no schema and no conflicts: data is a set of names, with the id
of the data set; a change goes to the peers over their replication ports.
"""

import json
import os
import secrets
import socket
import ssl
import tempfile
import threading
import time

from connection import TIMEOUT, run
from options import HOME, Refused
from store import Store

STATE = f"{HOME}/db/state.json"
ADMIN_DN = "cn={},cn=Administrators,cn=admin data"


class Server:
    """What one instance knows, and how it answers."""

    def __init__(self):
        if not os.path.exists(STATE):
            raise Refused("this server is not set up")
        self.state = json.load(open(STATE, encoding="utf-8"))
        self.lock = threading.Lock()
        self.listening = {}

    def save(self):
        with open(f"{STATE}.new", "w", encoding="utf-8") as file:
            json.dump(self.state, file, indent=1)
        os.replace(f"{STATE}.new", STATE)

    def known(self, request):
        accounts = {"cn=directory manager": self.state["password"]}
        for uid, value in self.state["admins"].items():
            accounts[ADMIN_DN.format(uid).lower()] = value
        return request.get("password") and accounts.get(request.get("dn")) == request["password"]

    def answer(self, request):
        if request["what"] == "change":
            return self.take(request)
        if not self.known(request):
            raise Refused("invalid credentials")
        state, what = self.state, request["what"]
        if what == "read":
            return state
        if what == "configure":
            state[request["part"]].update(request["values"])
        if what == "replicate":
            for name in ("admins", "servers"):
                state[name].update(request[name])
            state["replicated"] = sorted({*state["replicated"], *request["bases"]})
            state["me"] = request["me"]
            if not state["replication_port"]:
                # as configureAsReplicationServer(): whatever was said before
                state["crypto"]["ssl-encryption"] = str(request["secure"]).lower()
                state["replication_port"] = request["port"]
        if what == "load":
            state["data"][request["base"]] = request["data"]
        if what == "leave":
            state["servers"].pop(request["server"], None)
            state["pending"].pop(request["server"], None)
        if what == "disable":
            state.update(servers={}, replicated=[], replication_port=0, pending={}, admins={})
        if what in ("add", "modify"):
            self.put(request)
            kept = ("base", "entry", "at", "values")
            change = {name: request[name] for name in kept if name in request}
            change["generation"] = state["data"][request["base"]]["generation"]
            for server in state["servers"]:
                if server != state["me"]:
                    state["pending"].setdefault(server, []).append(change)
        self.save()
        return None

    def put(self, change):
        data = self.state["data"][change["base"]]
        if "entry" in change:
            data["entries"] = sorted({*data["entries"], change["entry"]})
        else:
            data["values"].setdefault(change["at"], {}).update(change["values"])

    def take(self, change):
        if self.state["data"][change["base"]]["generation"] == change["generation"]:
            self.put(change)
            self.save()
        return None

    def carry(self):
        """Changes go to the peers, over their replication ports."""
        while True:
            time.sleep(0.5)
            with self.lock:
                waiting = {server: list(changes) for server, changes in self.state["pending"].items() if changes}
            for server, changes in waiting.items():
                address, port = self.state["servers"][server]
                for change in changes:
                    try:
                        context = ssl._create_unverified_context()
                        plain = socket.create_connection((address, port), 1)
                        with context.wrap_socket(plain) as peer, peer.makefile("rw") as file:
                            file.write(json.dumps({"what": "change", **change}) + "\n")
                            file.flush()
                            file.readline()
                    except OSError:
                        break
                    with self.lock:
                        self.state["pending"][server].remove(change)
                        self.save()

    def pair(self, store, alias):
        """The key of a store as OpenSSL reads it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w") as pem:
            pem.write(store_of(store).pair(alias))
            pem.flush()
            context.load_cert_chain(pem.name)
        return context

    def listen(self, address, port, context):
        listener = socket.create_server((address, port))

        def one(client):
            try:
                client.settimeout(TIMEOUT)
                with context.wrap_socket(client, server_side=True) as peer, peer.makefile("rw") as file:
                    for line in file:
                        try:
                            with self.lock:
                                said = {"answer": self.answer(json.loads(line))}
                        except Refused as wrong:
                            said = {"wrong": str(wrong)}
                        file.write(json.dumps(said) + "\n")
                        file.flush()
            except (OSError, ValueError):
                client.close()

        def all_of_them():
            while True:
                client, _ = listener.accept()
                threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=all_of_them, daemon=True).start()

    def serve(self):
        state = self.state
        with open(f"{HOME}/db/pid", "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        administration = self.pair("admin-keystore", "admin-cert")
        self.listen(state["admin"]["listen-address"], int(state["admin"]["listen-port"]), administration)
        if state["ldaps"]["enabled"] == "true":
            context = self.pair("keystore", "server-cert")
            self.listen(state["ldaps"]["listen-address"], int(state["ldaps"]["listen-port"]), context)
        threading.Thread(target=self.carry, daemon=True).start()
        open_port = 0
        while True:
            if state["replication_port"] != open_port:
                open_port = state["replication_port"]
                if open_port:
                    self.listen("0.0.0.0", open_port, administration)
            time.sleep(0.1)


def store_of(name):
    """A store of this server's that has a file with its password beside it."""
    with open(f"{HOME}/config/{name}.pin", encoding="utf-8") as pin:
        return Store(f"{HOME}/config/{name}", pin.readline().rstrip("\n"))


def setup(root_password, configuration="{}"):
    """As the installer leaves it: certificates of its own, for a name of its own, and deaf to others."""
    config = f"{HOME}/config"
    os.makedirs(config)
    os.makedirs(f"{HOME}/db", mode=0o700)
    for store, alias in (("admin-", "admin-cert"), ("", "server-cert")):
        pin = f"{config}/{store}keystore.pin"
        with open(pin, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(12) + "\n")
        os.chmod(pin, 0o600)
        of = lambda name: ["-alias", alias, "-keystore", f"{config}/{store}{name}", "-storetype", "JKS",
                           "-storepass:file", pin]
        run("keytool", "-genkeypair", "-keyalg", "EC", "-dname", "CN=vendor.example.org", *of("keystore"),
            "-keypass:file", pin, "-validity", "700")
        (certificate,) = store_of(f"{store}keystore").keys[alias][1]
        run("keytool", "-importcert", "-noprompt", *of("truststore"), text=certificate)
    state = {
        "password": root_password, "me": "", "admins": {}, "servers": {}, "replicated": [], "replication_port": 0,
        "pending": {}, "admin": {"listen-address": "127.0.0.1", "listen-port": "4444"},
        "ldaps": {"enabled": "false", "listen-address": "127.0.0.1", "listen-port": "1636"},
        "crypto": {"ssl-encryption": "false"},
        "data": {
            base: {"entries": ["one", "two"], "generation": secrets.randbelow(10**8), "values": values}
            for base, values in (("o=gluu", json.loads(configuration)), ("o=site", {}))
        },
    }
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(state, file)

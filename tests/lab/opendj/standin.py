"""Stands in for OpenDJ 3.0, which no distribution has: its server, and the tools that replicate.

standin.py serve            the server: what `opendj.service` runs
standin.py setup PASSWORD   what the vendor's installer does: stores, a root password, some data
standin.py add BASE NAME    an entry comes, by way of this server
standin.py TOOL ARGUMENTS   dsconfig, dsreplication, ldapsearch

The tools take what options.kdl beside this file has, and nothing else; they talk to servers over TLS, with
the stores that OpenDJ has, so that reachability, trust and names count. What a server knows lies in db/.
It has no LDAP, no schema and no conflicts: a request is a line of JSON, and data is a set of names.
Exit codes are those of ReplicationCliReturnCode.java.
"""

import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HOME = os.path.dirname(os.path.abspath(__file__))
STATE = f"{HOME}/db/state.json"
ADMIN_DN = "cn={},cn=Administrators,cn=admin data"
TIMEOUT = 5


class Refused(Exception):
    """What a tool says on its way out, and its exit code."""

    def __init__(self, why, code=1):
        super().__init__(why)
        self.code = code


# --- options ------------------------------------------------------------------------------------


def read_options():
    """options.kdl: {tool: {"": form, subcommand: form}}, a form being its lists by the word of the line."""
    tools, tool, sub = {}, None, None
    for line in open(f"{HOME}/options.kdl", encoding="utf-8"):
        words = re.findall(r'"[^"]*"|[^\s"]+(?:"[^"]*")?', line.split("//")[0])
        if not words or words[0] == "}":
            sub = "" if sub else None
            continue
        kind, names = words[0], [it.strip('"') for it in words[1:] if it.startswith('"')]
        props = dict(it.split("=", 1) for it in words[1:] if "=" in it)
        props = {key: value.strip('"') for key, value in props.items()}
        if kind == "tool":
            tool, sub = tools.setdefault(names[0], {}), ""
            tool[""] = {"option": {}, "conflict": [], "needs": [], "property": []}
        elif kind == "subcommand":
            sub = names[0]
            tool[sub] = {"option": {}, "conflict": [], "needs": [], "property": []}
        elif kind == "option":
            tool[sub]["option"][names[0]] = props
        else:
            tool[sub][kind].append(names)
    return tools


def parse(tool, words):
    """A command line as ArgumentParser.java takes it: subcommand, options, what is left."""
    forms = read_options()[tool]
    given, rest, sub = {}, [], ""
    words = list(words)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            if len(forms) > 1 and not sub:
                if word not in forms:
                    raise Refused(f'the argument "{word}" is not a recognized subcommand')
                sub = word
                continue
            rest.append(word)
            continue
        options = {**forms[""]["option"], **forms[sub]["option"]}
        name, _, value = word.lstrip("-").partition("=")
        if not word.startswith("--"):
            named = [it for it, props in options.items() if props.get("short") == word[1:]]
            if not named:
                raise Refused(f'argument "{word}" is not allowed for use with this program')
            name, value = named[0], ""
        props = options.get(name)
        if props is None:
            raise Refused(f'argument "--{name}" is not allowed for use with {tool} {sub}'.rstrip())
        if "takes" in props and not value:
            if not words:
                raise Refused(f'argument "--{name}" requires a value')
            value = words.pop(0)
        if "password" in props:
            raise Refused(f"--{name}: everybody on this host can read a password among the arguments")
        if "file" in props:
            value = password(name, value)
        if name in given and "values" not in props:
            raise Refused(f'argument "--{name}" was provided multiple times')
        given.setdefault(name, []).append(value)
    if len(forms) > 1 and not sub:
        raise Refused("no subcommand")
    for form in (forms[""], forms[sub]):
        for pair in form["conflict"]:
            if all(it in given for it in pair):
                raise Refused(f"the options --{pair[0]} and --{pair[1]} exclude each other", 4)
        for name in form["needs"]:
            if name[0] not in given:
                raise Refused(f"--{name[0]} is missing: it would be asked for, and nobody answers", 2)
    for name in given.get("property", []) + [it.split(":")[0] for it in given.get("set", [])]:
        if [name] not in forms[sub]["property"]:
            raise Refused(f'the property "{name}" is not a recognized property')
    return sub, given, rest


def password(name, path):
    """The first line of a file, as FileBasedArgument.java has it."""
    try:
        with open(path, encoding="utf-8") as file:
            bits = os.fstat(file.fileno()).st_mode
            found = file.readline().rstrip("\n")
    except OSError as error:
        raise Refused(f"--{name}: {error}") from error
    if bits & 0o077:
        raise Refused(f"--{name}: others may read {path}")
    if not found:
        raise Refused(f"--{name}: {path} is empty")
    return found


# --- connections --------------------------------------------------------------------------------


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


# --- the server ---------------------------------------------------------------------------------


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
            return self.take(request["base"], request["entry"], request["generation"])
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
        if what == "add":
            self.put(request["base"], request["entry"])
            data = state["data"][request["base"]]
            change = {"base": request["base"], "entry": request["entry"], "generation": data["generation"]}
            for server in state["servers"]:
                if server != state["me"]:
                    state["pending"].setdefault(server, []).append(change)
        self.save()
        return None

    def put(self, base, entry):
        self.state["data"][base]["entries"] = sorted({*self.state["data"][base]["entries"], entry})

    def take(self, base, entry, generation):
        if self.state["data"][base]["generation"] == generation:
            self.put(base, entry)
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
        config, folder = f"{HOME}/config", tempfile.mkdtemp()
        pin = f"{config}/{store}.pin"
        run("keytool", "-importkeystore", "-noprompt", "-srckeystore", f"{config}/{store}", "-srcalias", alias,
            "-srcstorepass:file", pin, "-destkeystore", f"{folder}/p12", "-deststoretype", "PKCS12",
            "-deststorepass:file", pin)
        run("openssl", "pkcs12", "-nodes", "-in", f"{folder}/p12", "-passin", f"file:{pin}", "-out", f"{folder}/pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/pem")
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


def setup(root_password):
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
        run("keytool", "-genkeypair", "-keyalg", "RSA", "-dname", "CN=vendor.example.org", *of("keystore"),
            "-keypass:file", pin, "-validity", "700")
        pem = run("keytool", "-exportcert", "-rfc", *of("keystore"))
        run("keytool", "-importcert", "-noprompt", *of("truststore"), text=pem)
    state = {
        "password": root_password, "me": "", "admins": {}, "servers": {}, "replicated": [], "replication_port": 0,
        "pending": {}, "admin": {"listen-address": "127.0.0.1", "listen-port": "4444"},
        "ldaps": {"enabled": "false", "listen-address": "127.0.0.1", "listen-port": "1636"},
        "crypto": {"ssl-encryption": "false"},
        "data": {"o=gluu": {"entries": ["one", "two"], "generation": secrets.randbelow(10**8)}},
    }
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(state, file)


# --- the tools ----------------------------------------------------------------------------------

PARTS = {"administration-connector": "admin", "connection-handler": "ldaps", "crypto-manager": "crypto"}


def dsconfig(sub, given, _):
    if given.get("handler-name", ["LDAPS Connection Handler"]) != ["LDAPS Connection Handler"]:
        raise Refused("the connection handler does not exist", 32)
    server = Connection(given, given["hostname"][0], given["port"][0], given["bindDN"][0], given["bindPasswordFile"][0])
    verb, part = sub.split("-", 1)
    part = PARTS[part.removesuffix("-prop")]
    if verb == "set":
        server.ask("configure", part=part, values=dict(it.split(":", 1) for it in given["set"]))
        return
    found = server.ask("read")[part]
    for name in sorted(given["property"]):
        print(f"{name}\t{found[name]}")


def ldapsearch(_, given, rest):
    server = Connection(given, given["hostname"][0], given["port"][0], given["bindDN"][0], given["bindPasswordFile"][0])
    base = given["baseDN"][0]
    if rest[0] != "(objectClass=*)" or given["searchScope"] != ["base"]:
        raise Refused("this stands in for one search only")
    print(f"dn: {base}")
    if base in server.ask("read")["replicated"]:
        print(f"{rest[1]}: {server.ask('read')['data'][base]['generation']}")


def dsreplication(sub, given, _):
    globals()[f"replication_{sub}"](given)


def as_admin(given, host, port):
    uid = given["adminUID"][0]
    return Connection(given, host, port, ADMIN_DN.format(uid), given["adminPasswordFile"][0])


def replication_enable(given):
    one = {name[:-1]: value[0] for name, value in given.items() if name[-1:] == "1"}
    two = {name[:-1]: value[0] for name, value in given.items() if name[-1:] == "2"}
    if (one["host"], one["port"]) == (two["host"], two["port"]):
        raise Refused("you have to provide two different servers to enable replication", 4)
    for it in (one, two):
        it["to"] = Connection(given, it["host"], it["port"], it["bindDN"], it["bindPasswordFile"])
        it["state"] = it["to"].ask("read")
        it.setdefault("replicationPort", "8989")
    for base in given["baseDN"]:
        if any(base not in it["state"]["data"] for it in (one, two)):
            raise Refused(f"the following base DNs could not be found in at least one of the servers: {base}", 5)
    if all(base in it["state"]["replicated"] for base in given["baseDN"] for it in (one, two)):
        raise Refused("the following base DNs are already replicated between the two servers", 5)
    servers = {**one["state"]["servers"], **two["state"]["servers"]}
    for it in (one, two):
        servers[it["to"].name] = [it["host"], int(it["replicationPort"])]
    admins = {given["adminUID"][0]: given["adminPasswordFile"][0]}
    for it in (one, two):
        it["to"].ask("replicate", servers=servers, admins=admins, bases=given["baseDN"], me=it["to"].name,
                     port=int(it["replicationPort"]), secure="secureReplication" in it)
    for name in set(servers) - {it["to"].name for it in (one, two)}:
        as_admin(given, *split(name)).ask("replicate", servers=servers, admins=admins, bases=given["baseDN"], me=name)
    print("Replication has been successfully enabled.")


def replication_initialize(given):
    ends = [(given[f"host{end}"][0], given[f"port{end}"][0]) for end in ("Source", "Destination")]
    if ends[0] == ends[1]:
        raise Refused("you have to provide two different servers as source and destination", 4)
    source, destination = (as_admin(given, *end) for end in ends)
    for base in given["baseDN"]:
        if any(base not in it.ask("read")["replicated"] for it in (source, destination)):
            raise Refused(f"the following base DNs cannot be initialized: {base}", 7)
    for base in given["baseDN"]:
        destination.ask("load", base=base, data=source.ask("read")["data"][base])
    print("Base DN initialized successfully.")


def replication_status(given):
    first = as_admin(given, given["hostname"][0], given["port"][0])
    states = {first.name: first.ask("read")}
    for name in sorted(first.ask("read")["servers"]):
        try:
            states[name] = as_admin(given, *split(name)).ask("read")
        except Refused as wrong:
            print(f"the status of {name} cannot be read: {wrong}", file=sys.stderr)
    for base in given.get("baseDN", ["o=gluu"]):
        for name, state in sorted(states.items()):
            if base not in state["data"]:
                continue
            cells = [base, name, len(state["data"][base]["entries"])]
            if base in state["replicated"]:
                missing = sum(len(it["pending"].get(name, [])) for it in states.values())
                cells += ["true", 1, 2, state["replication_port"], missing, "", state["crypto"]["ssl-encryption"]]
            print("\t".join(str(cell) for cell in cells))


def replication_disable(given):
    if "disableAll" not in given:
        raise Refused("this stands in for --disableAll only")
    server = as_admin(given, given["hostname"][0], given["port"][0])
    for name in server.ask("read")["servers"]:
        if name != server.name:
            as_admin(given, *split(name)).ask("leave", server=server.name)
    server.ask("disable")


def split(name):
    host, port = name.rsplit(":", 1)
    return host.strip("[]"), port


def add(base, entry):
    """Straight to the server of this host, as its directory manager."""
    state = json.load(open(STATE, encoding="utf-8"))
    given = {"trustAll": [], "tool": "add"}
    Connection(given, "127.0.0.1", state["admin"]["listen-port"], "cn=directory manager",
               state["password"]).ask("add", base=base, entry=entry)


def main(name, words):
    if name == "serve":
        Server().serve()
    elif name == "setup":
        setup(*words)
    elif name == "add":
        add(*words)
    else:
        if not os.path.exists(STATE):
            raise Refused("this server is not set up: run setup first")
        sub, given, rest = parse(name, words)
        given["tool"] = name
        globals()[name](sub, given, rest)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except Refused as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(wrong.code)

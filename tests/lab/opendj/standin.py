"""Stands in for OpenDJ 3.0, which no distribution has: its server, and the tools that replicate.

standin.py serve            the server: what `opendj.service` runs
standin.py setup PASSWORD   what the vendor's installer does: stores, a root password, some data
standin.py add BASE NAME    an entry comes, by way of this server
standin.py TOOL ARGUMENTS   dsconfig, dsreplication, ldapsearch

The tools take what options.kdl has, and nothing else; they talk to servers over TLS, with the stores that
OpenDJ has, so that reachability, trust and names count. Exit codes are those of
ReplicationCliReturnCode.java.
"""

import base64
import json
import os
import sys

from connection import Connection
from options import Refused, parse
from server import ADMIN_DN, STATE, Server, setup

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
    asked = given["searchScope"], rest[0]
    state = server.ask("read")
    values = state["data"].get(base.split(",")[-1], {}).get("values", {})
    if asked == (["base"], "(objectClass=*)"):
        found = {base: values.get(base, {})}
    elif asked == (["sub"], "(|(objectClass=gluuConfiguration)(objectClass=oxAuthConfiguration))"):
        found = {dn: known for dn, known in values.items() if dn.endswith(base)}
    else:
        raise Refused("this stands in for two searches only")
    for dn, known in found.items():
        print(f"dn: {dn}")
        if dn in state["replicated"]:
            print(f"{rest[1]}: {state['data'][dn]['generation']}")
        for name in rest[1:]:
            for value in known.get(name, []):
                # as ldif(5) folds it
                print(f"{name}: {value}"[:79], *(f"{value}"[at:at + 78] for at in range(77 - len(name), len(value), 78)),
                      sep="\n ")
        print()


def ldapmodify(_, given, rest):
    server = Connection(given, given["hostname"][0], given["port"][0], given["bindDN"][0], given["bindPasswordFile"][0])
    if rest:
        raise Refused("this stands in for modifications on standard input")
    for record in sys.stdin.read().strip().split("\n\n"):
        modify(server, record.splitlines())


def modify(server, lines):
    if not lines[0].startswith("dn: ") or lines[1] != "changetype: modify":
        raise Refused("this stands in for modifications only")
    values = {}
    for line in lines[2:]:
        if line.startswith("replace: "):
            values[line[len("replace: "):]] = []
        elif line != "-":
            name, value = line.split(":: ")
            values[name].append(base64.b64decode(value).decode())
    dn = lines[0][len("dn: "):]
    server.ask("modify", base=dn.split(",")[-1], at=dn, values=values)


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

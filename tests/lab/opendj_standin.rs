//! What stands in for OpenDJ's tools refuses what its sources do not have, and what nobody should say.

use crate::bundle::{good, start};
use crate::opendj_server::{bad, listens, standin, unpack};

/// A tool's options as its sources have them, by which it gets through.
const CONNECTOR: &str = "dsconfig set-administration-connector-prop -h localhost -p 4444 -D 'cn=directory manager' \
    -j /tmp/good -X -n --set listen-address:0.0.0.0";
const ENABLE: &str = "dsreplication enable --adminUID admin -j /tmp/good -X -n -b o=gluu \
    --host1 127.0.0.1 --bindPasswordFile1 /tmp/good --host2 localhost --bindPasswordFile2 /tmp/good";
const STATUS: &str =
    "dsreplication status --adminUID admin -j /tmp/good -X -n -b o=gluu -h 127.0.0.1";
const SEARCH: &str = "ldapsearch -h localhost -p 4444 -D 'cn=directory manager' -j /tmp/good -X -Z -b o=gluu -s base x y";

/// One edit of it, and what is said.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (CONNECTOR, "--set", "--listen", "argument \"--listen\" is not allowed"),
    (CONNECTOR, "-X", "-y", "argument \"-y\" is not allowed"),
    (CONNECTOR, "listen-address:0.0.0.0", "", "\"--set\" requires a value"),
    (CONNECTOR, "listen-address", "listen", "\"listen\" is not a recognized property"),
    (CONNECTOR, "-X", "-X --handler-name X", "\"--handler-name\" is not allowed"),
    (CONNECTOR, "-X", "-X -h n2", "\"--hostname\" was provided multiple times"),
    (CONNECTOR, "administration-connector", "connector", "is not a recognized subcommand"),
    (
        CONNECTOR,
        "set-administration-connector-prop",
        "",
        "\"--set\" is not allowed for use with dsconfig",
    ),
    (CONNECTOR, "-n ", "", "--no-prompt is missing"),
    (CONNECTOR, "-X", "-X -w secret", "can read a password among the arguments"),
    (CONNECTOR, "-X", "-P /x -T secret", "can read a password among the arguments"),
    (CONNECTOR, "-j /tmp/good", "", "--bindPasswordFile is missing"),
    (CONNECTOR, "/tmp/good", "/tmp/open", "others may read /tmp/open"),
    (CONNECTOR, "/tmp/good", "/tmp/none", "No such file"),
    (CONNECTOR, "/tmp/good", "/tmp/empty", "/tmp/empty is empty"),
    (CONNECTOR, "-X", "", "no certificate is trusted"),
    (CONNECTOR, "-X", "-X -P /x", "--trustAll and --trustStorePath exclude each other"),
    (CONNECTOR, "manager", "man", "invalid credentials"),
    (CONNECTOR, "4444", "4445", "unable to connect to localhost:4445"),
    (
        ENABLE,
        "--bindPasswordFile1 /tmp/good",
        "--bindPassword1 secret",
        "a password among the arguments",
    ),
    (ENABLE, "-j /tmp/good", "-w secret", "a password among the arguments"),
    (ENABLE, "-b o=gluu", "", "--baseDN is missing"),
    (
        ENABLE,
        "--host1",
        "--hostname",
        "\"--hostname\" is not allowed for use with dsreplication enable",
    ),
    (ENABLE, "-X", "-X --replicationPort1 8989 --noReplicationServer1", "exclude each other"),
    (STATUS, "-X", "-X -Q -s", "--script-friendly and --quiet exclude"),
    (
        STATUS,
        "-X",
        "-X --disableAll",
        "\"--disableAll\" is not allowed for use with dsreplication status",
    ),
    (STATUS, "status", "disable --disableAll", "--disableAll and --baseDN exclude each other"),
    (STATUS, "status -", "initialize -", "--hostDestination is missing"),
    (SEARCH, "-Z ", "", "--useSSL is missing"),
];

#[test]
fn what_is_not_documented_is_refused() {
    let host = start("n1");
    unpack(&host, "");
    let tool = |words: &str| host.run(&["sh", "-c", &format!("/opt/opendj/bin/{words}")]);
    for (path, text) in [("/tmp/open", "secret\n"), ("/tmp/empty", ""), ("/tmp/good", "secret\n")] {
        host.write(path, text);
    }
    good(&host.run(&["chmod", "0600", "/tmp/good", "/tmp/empty"]));
    bad(&tool(CONNECTOR), "this server is not set up");
    good(&standin(&host, "", &["setup", "secret"]));
    bad(&tool(CONNECTOR), "unable to connect to localhost:4444");
    host.daemon(&["python3", "-B", "/opt/opendj/standin.py", "serve"]);
    listens(&host);
    good(&tool(CONNECTOR));
    // options that all subcommands have may come first
    good(&tool(&CONNECTOR.replace("dsconfig ", "dsconfig --noPropertiesFile ")));
    for (words, from, to, why) in REFUSED {
        assert!(words.contains(from), "{words}: no {from}");
        bad(&tool(&words.replacen(from, to, 1)), why);
    }
}

//! Stand-ins for what Gluu's packages bring: a container with its own root, and `setup.py` in it.
//!
//! The container is a service of the host's systemd with another root, which is what nsenter(1) has
//! to reach; programs and libraries are the host's. `machinectl` knows its first process, and
//! `systemctl` in it writes down what it is asked. `setup.py` does what that of 4.1 does as far as
//! the bundles see it, and refuses what would have it ask a person.

use serde_json::Value;

use crate::bundle::good;
use crate::host::Host;
use crate::opendj_server;

pub(crate) use crate::opendj_server::CONTAINER;

const SETUP: &str = "/install/community-edition-setup";

/// What a person answers on the first node, and what `setup.py` draws there.
const ANSWERS: &str = "\
hostname=cluster.example.org
ip=159.203.126.10
oxtrust_admin_password=Sesame & open
ldapPass=Sesame & open
oxauth_openid_jks_pass=drawn once
";

/// What the administrator chose.
pub(crate) const PASSWORD: &str = "Sesame & open";

const UNIT: &str = "\
[Service]
ExecStart=/usr/bin/sleep infinity
RootDirectory=/opt/gluu-server
BindPaths=/usr /bin /sbin /lib /lib64 /opt/standins:/usr/local/sbin
BindReadOnlyPaths=-/etc/java-17-openjdk -/etc/java-21-openjdk /etc/ssl /etc/alternatives
MountAPIVFS=yes
[Install]
WantedBy=multi-user.target
";

/// OpenDJ serves once it is set up.
const OPENDJ: &str = "\
[Unit]
StartLimitIntervalSec=0
[Service]
Type=exec
ExecStart=/usr/local/sbin/gluu-run python3 -B /opt/opendj/standin.py serve
Restart=always
RestartSec=0.2
[Install]
WantedBy=multi-user.target
";

const MACHINECTL: &str = r#"#!/bin/sh
[ "$*" = 'show -p Leader gluu-server' ] || exit 1
leader=$(systemctl show -p MainPID gluu-container.service | sed 's/.*=//')
[ "$leader" != 0 ] && echo "Leader=$leader"
"#;

const SYSTEMCTL: &str = r#"#!/bin/sh
case $* in
    '-q is-active apache2' | '-q is-active oxauth' | '-q is-active identity') ;;
    *is-active*) exit 3 ;;
    'restart opendj') /opt/opendj/bin/again; echo "$*" >>/var/log/asked ;;
    *) echo "$*" >>/var/log/asked ;;
esac
"#;

const SETUP_PY: &str = r#"#!/bin/sh
set -eu
prompt=1 file=''
while [ $# -gt 0 ]; do
    case $1 in
        -n) prompt='' ;;
        -f) file=$2 && shift ;;
        --listen_all_interfaces) ;;
        *) echo "setup.py: error: unrecognized arguments: $1" >&2; exit 2 ;;
    esac
    shift
done
[ -z "$prompt" ] || { echo 'Enter hostname: '; exit 1; }
of() { sed -n "s/^$1=//p" "$file"; }
for key in hostname ip oxtrust_admin_password; do [ -n "$(of "$key")" ]; done
for folder in conf metadata sp temp_metadata; do mkdir -p "/opt/shibboleth-idp/$folder"; done
mkdir -p /etc/gluu/conf /etc/certs/passport /opt/gluu/jetty/identity/conf/shibboleth3/idp \
    /opt/gluu/jetty/identity/conf/shibboleth3/sp
echo "of $(of ip)" >/etc/gluu/conf/gluu.properties
grep -q '^encode_salt=' "$file" || echo "encode_salt=$(openssl rand -hex 12)" >>"$file"
echo "encodeSalt = $(of encode_salt)" >/etc/gluu/conf/salt
encoded() { python3 /opt/gluu/bin/encode.py "$1"; }
python3 -B /opt/opendj/standin.py setup "$(of ldapPass)" "$(cat configuration.json)" >/dev/null
chown jetty:jetty /opt/opendj/config/*keystore
store_pass=$(openssl rand -hex 6)
keytool -importkeystore -noprompt -srckeystore /opt/opendj/config/truststore \
    -srcstorepass:file /opt/opendj/config/keystore.pin -destkeystore /etc/certs/opendj.pkcs12 \
    -deststoretype PKCS12 -deststorepass "$store_pass" >/dev/null 2>&1
printf '%s\n' 'bindDN: cn=directory manager' "bindPassword: $(encoded "$(of ldapPass)")" 'servers: localhost:1636' \
    'ssl.trustStoreFile: /etc/certs/opendj.pkcs12' "ssl.trustStorePin: $(encoded "$store_pass")" \
    >/etc/gluu/conf/gluu-ldap.properties
for store in oxauth-keys.jks scim-rs.jks passport/rp.jks httpd.key httpd.crt; do
    head -c 300 /dev/urandom >"/etc/certs/$store"
done
chown -R root:gluu /etc/certs
chown jetty:jetty /etc/certs/oxauth-keys.jks
cp "$file" setup.properties.last
openssl enc -aes-256-cbc -in setup.properties.last -out setup.properties.last.enc -k "$(of oxtrust_admin_password)" 2>/dev/null
rm setup.properties.last
"#;

/// What it makes of passwords can be undone with the node's salt, by this alone.
const ENCODE: &str = r"#!/usr/bin/python3
import base64, sys
salt = open('/etc/gluu/conf/salt').read().split('=')[1].strip().encode()
mixed = lambda text: bytes(one ^ salt[at % len(salt)] for at, one in enumerate(text))
if sys.argv[1] == '-D':
    print(mixed(base64.b64decode(sys.argv[2])).decode())
else:
    print(base64.b64encode(mixed(sys.argv[1].encode())).decode())
";

/// `ou=configuration,o=gluu` and what is below it, in short: what is told there, and what a person set beside it.
const CONFIGURATION: &str = r#"{"ou=configuration,o=gluu": {
"oxCacheConfiguration": ["{\"cacheProviderType\": \"IN_MEMORY\", \"inMemoryConfiguration\": {\"defaultPutExpiration\": 60}, \"redisConfiguration\": {\"servers\": \"localhost:6379\", \"defaultPutExpiration\": 77}}"],
"oxIDPAuthentication": ["{\"type\": \"auth\", \"config\": {\"configId\": \"auth_ldap_server\", \"servers\": [\"localhost:1636\"], \"bindDN\": \"kept\"}}", "{\"type\": \"auth\", \"config\": {\"configId\": \"another\", \"servers\": [\"ad.example.org:636\"]}}"]
}, "ou=oxauth,ou=configuration,o=gluu": {
"oxAuthConfDynamic": ["{\"issuer\": \"https://cluster.example.org\", \"keyRegenerationEnabled\": true, \"keyRegenerationInterval\": 48}"],
"oxRevision": ["1"]
}}"#;

/// The package is installed, and the container up.
pub(crate) fn installed(host: &Host) {
    let below = |path: &str| format!("{CONTAINER}{path}");
    for folder in
        ["usr", "bin", "sbin", "lib", "lib64", "proc", "sys", "dev", "run", "tmp", "var/log"]
    {
        good(&host.run(&["mkdir", "-p", &below(&format!("/{folder}"))]));
    }
    host.write(&below("/etc/passwd"), "root:x:0:0::/root:/bin/sh\njetty:x:901:901::/:/bin/false\n");
    host.write(&below("/etc/hosts"), "127.0.0.1 localhost\n");
    host.write(&below("/etc/group"), "root:x:0:\njetty:x:901:\ngluu:x:902:\n");
    // where the host looks for it; in the container the host's own is there
    host.write(&below("/usr/share/zoneinfo/America/Chicago"), "TZif");
    host.program(&below(&format!("{SETUP}/setup.py")), SETUP_PY);
    host.program(&below("/opt/gluu/bin/encode.py"), ENCODE);
    host.write(&below(&format!("{SETUP}/configuration.json")), CONFIGURATION);
    opendj_server::unpack(host, CONTAINER);
    host.program(&below("/opt/java/bin/keytool"), opendj_server::KEYTOOL);
    let java = "ln -sfn /opt/java $0/opt/jre \
                && mkdir -p $0/opt/java/lib/security && cp -L /etc/ssl/certs/java/cacerts $0/opt/java/lib/security/cacerts";
    good(&host.run(&["sh", "-c", java, CONTAINER]));
    host.program("/opt/standins/systemctl", SYSTEMCTL);
    host.program("/usr/local/sbin/machinectl", MACHINECTL);
    host.write("/etc/systemd/system/gluu-container.service", UNIT);
    host.write("/etc/systemd/system/opendj.service", OPENDJ);
    good(&host.run(&["systemctl", "enable", "-q", "--now", "gluu-container.service"]));
}

/// Its directory serves as soon as it is set up.
pub(crate) fn serves(host: &Host) {
    good(&host.run(&["systemctl", "daemon-reload"]));
    good(&host.run(&["systemctl", "enable", "-q", "--now", "opendj.service"]));
}

/// A person has answered `setup.py` on the first node.
pub(crate) fn set_up(host: &Host) {
    host.write(&format!("{CONTAINER}{SETUP}/typed"), ANSWERS);
    let run = format!("cd {SETUP} && ./setup.py -n -f typed && rm typed");
    good(&host.run(&["/usr/local/sbin/gluu-run", "sh", "-c", &run]));
}

/// The answers that a node has, decrypted.
pub(crate) fn answers(host: &Host) -> String {
    let file = format!("{CONTAINER}{SETUP}/setup.properties.last.enc");
    let pass = format!("pass:{PASSWORD}");
    let words = ["openssl", "enc", "-d", "-aes-256-cbc", "-in", &file, "-pass", &pass];
    String::from_utf8(host.run(&words).stdout).unwrap()
}

/// What its directory says of Gluu's configuration, by attribute.
pub(crate) fn configuration(host: &Host) -> Value {
    let state = host.read(&format!("{CONTAINER}/opt/opendj/db/state.json"));
    let state: Value = serde_json::from_str(&state).unwrap();
    state["data"]["o=gluu"]["values"].clone()
}

/// What units of the container were asked to do since the last time.
pub(crate) fn asked(host: &Host) -> Vec<String> {
    let log = format!("{CONTAINER}/var/log/asked");
    let lines = if host.path(&log).exists() { host.read(&log) } else { String::new() };
    host.write(&log, "");
    lines.lines().map(str::to_owned).collect()
}

//! Clients that ask a site again and again, each time over a connection of their own, and a web
//! server that says who it is.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::built::said;
use crate::bundle::good;
use crate::host::Host;
use crate::units::eventually;

const CLIENTS: &str = r"
import collections, http.client, json, ssl, sys, threading, time, urllib.parse
url, authority, count, clients = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 4
trusted = ssl.create_default_context(cafile=authority)
answers, took = collections.Counter(), []

def ask(number):
    start = time.time()
    try:
        asked = http.client.HTTPSConnection(url.hostname, timeout=120, context=trusted)
        asked.request('GET', '%s/%d' % (url.path, number))
        answer = asked.getresponse()
        said = '%d %s' % (answer.status, answer.read().decode().strip())
        asked.close()
    except Exception as wrong:
        said = repr(wrong)
    answers[said] += 1
    took.append(time.time() - start)
    if len(took) == 50: open('/run/under-way', 'w')

def client(first):
    for number in range(first, count, clients): ask(number)

threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({'answers': answers, 'slowest': max(took)}))
";

/// Requests that are on their way.
pub(crate) struct Load {
    clients: Child,
}

#[derive(Debug)]
pub(crate) struct Answers {
    /// By status and text, or by what went wrong.
    pub(crate) answers: BTreeMap<String, u64>,
    /// In seconds.
    pub(crate) slowest: f64,
}

impl Load {
    /// Starts clients on a host, which trust the authority in a file there.
    pub(crate) fn start(host: &Host, url: &str, authority: &str, count: usize) -> Self {
        let mut command = host.command(&["python3", "-c", CLIENTS, url, authority]);
        command.arg(count.to_string()).stdin(Stdio::null());
        let clients = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { clients }
    }

    /// Waits until there were answers, so that what is done next is done under load.
    pub(crate) fn under_way(host: &Host, url: &str, authority: &str, count: usize) -> Self {
        host.run(&["rm", "-f", "/run/under-way"]);
        let load = Self::start(host, url, authority, count);
        eventually("the first answers", || host.path("/run/under-way").exists().then_some(()));
        load
    }

    pub(crate) fn wait(self) -> Answers {
        let done = self.clients.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", said(&done));
        let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        let answers = told["answers"].as_object().unwrap().iter();
        Answers {
            answers: answers.map(|(said, it)| (said.clone(), it.as_u64().unwrap())).collect(),
            slowest: told["slowest"].as_f64().unwrap(),
        }
    }
}

impl Answers {
    /// Who answered; everybody got an answer, and a good one.
    pub(crate) fn who(&self) -> Vec<&str> {
        self.answers
            .keys()
            .map(|it| it.strip_prefix("200 ").unwrap_or_else(|| panic!("{self:?}")))
            .collect()
    }
}

/// Has a host answer on port 443 with its name, now and after a boot: `httpd.service`.
pub(crate) fn serve(host: &Host, certificate: &str, key: &str) {
    let config = format!(
        "daemon off;\nevents {{}}\npid /run/httpd.pid;\nerror_log /var/log/httpd.log;\n\
         http {{ access_log off; server {{ listen 443 ssl; ssl_certificate {certificate};\n\
         ssl_certificate_key {key}; location / {{ return 200 $hostname; }} }} }}\n"
    );
    let unit = "[Service]\nExecStart=/usr/sbin/nginx -c /etc/httpd.conf\n\
                [Install]\nWantedBy=multi-user.target\n";
    host.write("/etc/httpd.conf", &config);
    host.write("/etc/systemd/system/httpd.service", unit);
    good(&host.run(&["systemctl", "daemon-reload"]));
    good(&host.run(&["systemctl", "enable", "-q", "--now", "httpd.service"]));
}

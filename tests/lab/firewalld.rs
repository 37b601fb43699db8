//! firewalld reads the policy that it is given.

use crate::built::{Built, said};

const WALL: &str = r#"
cluster "a-cluster-with-a-long-name" domain="example.org" platform="debian-12" {
    firewall "firewalld"
}
host "n1" address="10.77.0.11" { address "fd00::11"; }
host "n2" address="10.77.0.12" { address "fd00::12"; }
group "apps" { members "n1" "n2"; listens 8443 "a -- <b> & --> c-" from="n1"; }
csync2 "content" { members "apps"; include "/srv/www"; }
nginx "front" {
    on "n2"
    upstream "app" { servers "n1" port=9000; }
    site "www.example.org" { location "/" to="app"; }
}
"#;

const POLICY: &str = "/etc/firewalld/policies/cg-a-cluster-with.xml";

#[test]
fn firewalld_reads_the_policy_and_has_all_of_its_rules() {
    let built = Built::of(WALL);
    let host = built.installed("n2");
    let done = host.run(&["firewall-offline-cmd", "--check-config"]);
    assert!(done.status.success() && done.stderr.is_empty(), "{}", said(&done));
    let policy = said(&host.run(&["firewall-offline-cmd", "--info-policy=cg-a-cluster-with"]));
    let rules: Vec<&str> = policy.lines().filter(|line| line.contains("rule priority=")).collect();
    let wanted = [
        ("-200", "ipv4", "10.77.0.11", "30865", "accept"),
        ("-200", "ipv6", "fd00::11", "30865", "accept"),
        ("-200", "ipv4", "10.77.0.11", "8443", "accept"),
        ("-200", "", "", "80", "accept"),
        ("-100", "", "", "8443", "drop"),
        ("-100", "", "", "30865", "drop"),
    ];
    for (priority, family, source, port, verdict) in wanted {
        let known = |rule: &&&str| {
            rule.contains(&format!("priority=\"{priority}\""))
                && (family.is_empty() != rule.contains("family="))
                && (source.is_empty() || rule.contains(&format!("source address=\"{source}\"")))
                && rule.contains(&format!("port=\"{port}\""))
                && rule.ends_with(verdict)
        };
        assert!(rules.iter().any(|rule| known(&rule)), "{port} {source} {verdict}:\n{policy}");
    }
    assert!(
        policy.contains("egress-zones: HOST") && policy.contains("target: CONTINUE"),
        "{policy}"
    );
    assert!(!policy.contains("\"22\"") && !policy.contains("ssh"), "{policy}");
}

#[test]
fn firewalld_refuses_what_is_no_policy() {
    let built = Built::of(WALL);
    let host = built.installed("n2");
    host.write(POLICY, &host.read(POLICY).replace("<drop/>", "<dorp/>"));
    let done = host.run(&["firewall-offline-cmd", "--check-config"]);
    assert!(!done.status.success(), "{}", said(&done));
}

# shellcheck shell=sh disable=SC2034,SC2016
# What app1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=logs
host=app1
names='app1 app1.example.net'
addresses=10.1.0.11
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   logrotate
    block     logs /etc/hosts none -
    file      0644 root:root /etc/logrotate.d/app none -
    file      0644 root:root /etc/logrotate.d/audit none -
    check     0 'logrotate -d /etc/logrotate.conf >"$scratch/said" 2>&1; grep -qx '\''reading config file app'\'' "$scratch/said" && ! grep -e '\''^error: app:'\'' -e '\''gnoring app '\'' "$scratch/said"' /etc/logrotate.d/app
    check     0 'logrotate -d /etc/logrotate.conf >"$scratch/said" 2>&1; grep -qx '\''reading config file audit'\'' "$scratch/said" && ! grep -e '\''^error: audit:'\'' -e '\''gnoring audit '\'' "$scratch/said"' /etc/logrotate.d/audit
    verify    'logrotate finds nothing wrong with /etc/logrotate.d/app and its logs' '! logrotate -d /etc/logrotate.d/app 2>&1 | grep '\''^error:'\'''
    verify    'logrotate finds nothing wrong with /etc/logrotate.d/audit and its logs' '! logrotate -d /etc/logrotate.d/audit 2>&1 | grep '\''^error:'\'''
}

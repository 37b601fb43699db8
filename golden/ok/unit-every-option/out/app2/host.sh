# shellcheck shell=sh disable=SC2034,SC2016
# What app2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=units
host=app2
names='app2 app2.example.net'
addresses=10.1.0.12
platform=rhel-8
package_manager=dnf

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     units /etc/hosts none -
    file      0644 root:root /etc/systemd/system/app.service reload app.service
    check     0 '! systemd-analyze verify /etc/systemd/system/app.service 2>&1 | grep -e '\''^/etc/systemd/system/app.service:'\'' -e '\''^app.service: '\'' -e '\''^Unit app.service '\''' /etc/systemd/system/app.service
    unit      app.service
}

# shellcheck shell=sh disable=SC2034,SC2016
# What app1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=edge
host=app1
names='app1 app1.example.net'
addresses=10.1.0.11
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     edge /etc/hosts none -
    file      0600 root:root /etc/ssl/app.key none -
    file      0644 root:root /etc/ssl/app.crt none -
}

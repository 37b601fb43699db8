# shellcheck shell=sh disable=SC2034,SC2016
# What app2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=keys
host=app2
names='app2 app2.example.net'
addresses=10.1.0.12
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     keys /etc/hosts none -
    keys      ini /etc/app/local.ini reload app.service create
}

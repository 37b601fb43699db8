# shellcheck shell=sh disable=SC2034,SC2016
# What db1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=names
host=db1
names='db1 db1.example.net'
addresses=10.0.0.2
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     names /etc/hosts none -
}

# shellcheck shell=sh disable=SC2034,SC2016
# What dir1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=edge
host=dir1
names='dir1 dir1.example.net'
addresses=10.1.0.21
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     edge /etc/hosts none -
}

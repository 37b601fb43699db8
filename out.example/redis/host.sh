# shellcheck shell=sh disable=SC2034,SC2016
# What redis gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=redis
names='redis redis.example.org'
addresses=197.122.32.42
platform=ubuntu-18.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     gluu /etc/hosts none -
}

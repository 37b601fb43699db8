# shellcheck shell=sh disable=SC2034,SC2016
# What spare gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=web
host=spare
names='spare spare.example.net'
addresses=10.1.0.19
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     web /etc/hosts none -
    file      0600 root:root /etc/ssl/app/app.key none -
    file      0644 root:root /etc/ssl/app/app.crt none -
}

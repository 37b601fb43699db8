# shellcheck shell=sh disable=SC2034,SC2016
# What app1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=steps
host=app1
names='app1 app1.example.org'
addresses=192.0.2.2
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    block     steps /etc/hosts none -
    step      3/4 answer keeps 'the application finds its tables'
}

# the application finds its tables
proof_answer() {
    sh -ec 'curl -fsS http://127.0.0.1:8080/health'
}

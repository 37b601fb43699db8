# shellcheck shell=sh disable=SC2034,SC2016
# What lb gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=web
host=lb
names='lb lb.example.net'
addresses=10.1.0.10
platform=rhel-9
package_manager=dnf

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   nginx
    block     web /etc/hosts none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    check     0 'nginx -t -q' /etc/nginx/nginx.conf
    unit      nginx.service
}

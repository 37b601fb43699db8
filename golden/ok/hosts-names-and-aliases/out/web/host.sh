# shellcheck shell=sh disable=SC2034,SC2016
# What web gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=names
host=web
names='web web.example.net'
addresses=10.0.0.1
platform=debian-12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   nginx
    block     names /etc/hosts none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    check     0 'nginx -t -q' /etc/nginx/nginx.conf
    unit      nginx.service
}

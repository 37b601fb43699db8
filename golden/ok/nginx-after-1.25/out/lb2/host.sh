# shellcheck shell=sh disable=SC2034,SC2016
# What lb2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=web
host=lb2
names='lb2 lb2.example.net'
addresses=10.1.0.20
platform=debian-13
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   libnginx-mod-stream
    package   nginx
    block     web /etc/hosts none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    check     0 'nginx -t -q' /etc/nginx/nginx.conf
    unit      nginx.service
}

# shellcheck shell=sh disable=SC2034,SC2016
# What lb1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=lb1
names='lb1 lb1.example.org'
addresses='192.0.2.10 10.0.0.10'
platform=ubuntu-20.04
releases=ubuntu:20.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   nginx
    package   openssl
    package   tzdata
    directory 0755 root:root /etc/nginx/ssl
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     gluu /etc/hosts none -
    file      0600 root:root /etc/nginx/ssl/idp.key reload nginx.service
    file      0644 root:root /etc/nginx/ssl/cluster-ca.pem reload nginx.service
    file      0644 root:root /etc/nginx/ssl/idp.crt reload nginx.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-gluu.cfg none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    file      0644 root:root /etc/timezone none -
    check     0 'nginx -t -q' /etc/nginx/nginx.conf /etc/nginx/ssl/idp.crt /etc/nginx/ssl/idp.key /etc/nginx/ssl/cluster-ca.pem
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      nginx.service
    verify    '/etc/nginx/ssl/idp.crt: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/nginx/ssl/idp.crt'
    verify    'each name of /etc/hosts leads where it says' '
sed -n "/^# BEGIN clustergen gluu$/,/^# END clustergen gluu$/{ s/#.*//; p; }" /etc/hosts | {
    wrong=0
    while read -r address names; do
        case $address in *:*) family=6 ;; *) family=4 ;; esac
        for name in $names; do
            found=$(getent "ahostsv$family" "$name" | cut -d " " -f 1 | sort -u | xargs)
            [ "$found" != "$address" ] || continue
            wrong=1
            echo "$name leads to ${found:-nothing}, and not to $address alone; /etc/hosts says:"
            grep -niwF -e "$name" /etc/hosts
        done
    done
    exit $wrong
}'
    verify    'the clock is in sync' 'timedatectl | grep "synchronized: yes" ||
chronyc -n waitsync 1 1 ||
ntpq -c rv | grep sync_ntp'
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
}

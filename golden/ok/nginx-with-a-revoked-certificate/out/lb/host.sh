# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What lb gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=revoked
host=lb
names='lb lb.example.net'
addresses=10.1.0.10
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   curl
    package   nginx
    package   openssl
    package   tzdata
    directory 0755 root:root /etc/nginx/ssl
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     revoked /etc/hosts none -
    file      0644 root:root /etc/nginx/ssl/cluster-ca.crl reload nginx.service
    file      0644 root:root /etc/nginx/ssl/cluster-ca.pem reload nginx.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-revoked.cfg none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    file      0644 root:root /etc/timezone none -
    check     0 'nginx -t -q' /etc/nginx/nginx.conf /etc/nginx/ssl/cluster-ca.crl /etc/nginx/ssl/cluster-ca.pem
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      nginx.service
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'http://www.example.net/ is answered on 127.0.0.1' verify_http_www_example_net_is_answered_on_127_0_0_1
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
    verify    'upstream app: app1 answers on 10.1.0.11:8443 as app.example.net' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.11:8443" -servername app.example.net -verify_hostname app.example.net -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
    verify    'upstream app: app2 answers on 10.1.0.12:8443 as app.example.net' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.12:8443" -servername app.example.net -verify_hostname app.example.net -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
    verify    'upstream plain: app1 answers on 10.1.0.11:8080' 'curl -q -gsS -m 20 --noproxy "*" -o /dev/null -H '\''Host: www.example.net'\'' http://10.1.0.11:8080/'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen revoked$/,/^# END clustergen revoked$/{ s/#.*//; p; }" /etc/hosts | {
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
    }
}

# http://www.example.net/ is answered on 127.0.0.1
verify_http_www_example_net_is_answered_on_127_0_0_1() {
    code=$(curl -q -gsS -m 20 --noproxy "*" -o /dev/null -w "%{http_code}" --resolve www.example.net:80:127.0.0.1 http://www.example.net/) || exit 1
    case $code in 50[234]) echo "by $code: nobody behind nginx does"; exit 1 ;; esac
}

# no two daemons set the clock
verify_no_two_daemons_set_the_clock() {
    daemons=$(
        for unit in chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service; do
            ! systemctl is-active -q $unit || systemctl show -p Id $unit
        done | sort -u
    )
    [ "$(printf '%s\n' "$daemons" | wc -l)" -lt 2 ] || { echo "these do: $daemons"; exit 1; }
}

# the clock is in sync
verify_the_clock_is_in_sync() {
    timedatectl | grep "synchronized: yes" ||
    chronyc -n waitsync 1 1 ||
    ntpq -c rv | grep sync_ntp
}

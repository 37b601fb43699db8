# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What loadbalancer gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=loadbalancer
names='loadbalancer loadbalancer.example.org'
addresses=45.55.232.15
platform=ubuntu-18.04
releases=ubuntu:18.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   curl
    package   nginx
    package   openssl
    package   tzdata
    directory 0755 root:root /etc/nginx/ssl
    link      /etc/localtime /usr/share/zoneinfo/America/Chicago restart cron.service
    block     gluu /etc/hosts none -
    file      0600 root:root /etc/nginx/ssl/idp.key reload nginx.service
    file      0644 root:root /etc/nginx/ssl/cluster-ca.pem reload nginx.service
    file      0644 root:root /etc/nginx/ssl/idp.crt reload nginx.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-gluu.cfg none -
    file      0644 root:root /etc/nginx/nginx.conf reload nginx.service
    file      0644 root:root /etc/timezone none -
    check     0 'nginx -t -q' /etc/nginx/nginx.conf /etc/nginx/ssl/idp.crt /etc/nginx/ssl/idp.key /etc/nginx/ssl/cluster-ca.pem
    check     0 'test -e /usr/share/zoneinfo/America/Chicago' /etc/localtime
    unit      nginx.service
    verify    '/etc/nginx/ssl/idp.crt: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/nginx/ssl/idp.crt'
    verify    'cluster.example.org shows /etc/nginx/ssl/idp.crt on 127.0.0.1' verify_cluster_example_org_shows_etc_nginx_ssl_idp_crt_on_127_0_0_1
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'http://cluster.example.org/ leads to TLS on 127.0.0.1' 'curl -q -gsS -m 20 --noproxy "*" -o /dev/null -w "%{redirect_url}" --resolve cluster.example.org:80:127.0.0.1 http://cluster.example.org/ | grep -Fx https://cluster.example.org/'
    verify    'https://cluster.example.org/ is answered on 127.0.0.1' verify_https_cluster_example_org_is_answered_on_127_0_0_1
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is America/Chicago' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/America/Chicago && test -e /usr/share/zoneinfo/America/Chicago'
    verify    'upstream gluu-sticky: node1 answers on 159.203.126.10:443 as cluster.example.org' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "159.203.126.10:443" -servername cluster.example.org -verify_hostname cluster.example.org -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
    verify    'upstream gluu-sticky: node2 answers on 138.197.65.243:443 as cluster.example.org' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "138.197.65.243:443" -servername cluster.example.org -verify_hostname cluster.example.org -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
    verify    'upstream gluu: node1 answers on 159.203.126.10:443 as cluster.example.org' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "159.203.126.10:443" -servername cluster.example.org -verify_hostname cluster.example.org -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
    verify    'upstream gluu: node2 answers on 138.197.65.243:443 as cluster.example.org' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "138.197.65.243:443" -servername cluster.example.org -verify_hostname cluster.example.org -verify_return_error -CAfile /etc/nginx/ssl/cluster-ca.pem </dev/null'
}

# cluster.example.org shows /etc/nginx/ssl/idp.crt on 127.0.0.1
verify_cluster_example_org_shows_etc_nginx_ssl_idp_crt_on_127_0_0_1() {
    shown=$(timeout 10 openssl s_client -connect "127.0.0.1:443" -servername cluster.example.org </dev/null | openssl x509 -noout -fingerprint -sha256) || exit 1
    [ "$shown" = "$(openssl x509 -noout -fingerprint -sha256 -in /etc/nginx/ssl/idp.crt)" ] || { echo "it shows $shown"; exit 1; }
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
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
    }
}

# https://cluster.example.org/ is answered on 127.0.0.1
verify_https_cluster_example_org_is_answered_on_127_0_0_1() {
    code=$(curl -q -gsS -m 20 --noproxy "*" -o /dev/null -k -w "%{http_code}" --resolve cluster.example.org:443:127.0.0.1 https://cluster.example.org/) || exit 1
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

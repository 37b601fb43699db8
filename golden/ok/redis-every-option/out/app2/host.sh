# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What app2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=caches
host=app2
names='app2 app2.example.net'
addresses=10.1.0.12
platform=ubuntu-18.04
releases=ubuntu:18.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   openssl
    package   redis-tools
    directory 0755 root:root /etc/clustergen/caches/redis-kv
    directory 0755 root:root /etc/clustergen/caches/redis-sessions
    block     caches /etc/hosts none -
    file      0640 root:www-data /etc/clustergen/caches/redis-kv/key.pem none -
    file      0644 root:root /etc/clustergen/caches/redis-kv/ca.pem none -
    file      0644 root:root /etc/clustergen/caches/redis-kv/cert.pem none -
    file      0644 root:root /etc/chrony/chrony.conf restart chrony.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-caches.cfg none -
    file      0600 root:root /etc/clustergen/caches/redis-kv/ping none -
    file      0600 root:root /etc/clustergen/caches/redis-sessions/ping none -
    unit      chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service
    verify    '/etc/clustergen/caches/redis-kv/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/clustergen/caches/redis-kv/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'redis kv: kv1 answers PONG on 10.1.0.21:6380' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -quiet -connect "10.1.0.21:6380" -servername kv1 -verify_hostname kv1 -verify_return_error -CAfile /etc/clustergen/caches/redis-kv/ca.pem -cert /etc/clustergen/caches/redis-kv/cert.pem -key /etc/clustergen/caches/redis-kv/key.pem </etc/clustergen/caches/redis-kv/ping | tr -d "\r" | grep -qx +PONG'
    verify    'redis kv: kv2 answers PONG on 10.1.0.22:6380' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -quiet -connect "10.1.0.22:6380" -servername kv2 -verify_hostname kv2 -verify_return_error -CAfile /etc/clustergen/caches/redis-kv/ca.pem -cert /etc/clustergen/caches/redis-kv/cert.pem -key /etc/clustergen/caches/redis-kv/key.pem </etc/clustergen/caches/redis-kv/ping | tr -d "\r" | grep -qx +PONG'
    verify    'redis kv: kv3 answers PONG on 10.1.0.23:6380' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -quiet -connect "10.1.0.23:6380" -servername kv3 -verify_hostname kv3 -verify_return_error -CAfile /etc/clustergen/caches/redis-kv/ca.pem -cert /etc/clustergen/caches/redis-kv/cert.pem -key /etc/clustergen/caches/redis-kv/key.pem </etc/clustergen/caches/redis-kv/ping | tr -d "\r" | grep -qx +PONG'
    verify    'redis sessions: answers PONG on 127.0.0.1:7000' 'timeout 10 redis-cli -p 7000 </etc/clustergen/caches/redis-sessions/ping | grep -qx PONG'
    verify    'the clock follows the time servers, within a second' 'chronyc -n waitsync 6 1'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen caches$/,/^# END clustergen caches$/{ s/#.*//; p; }" /etc/hosts | {
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

# no two daemons set the clock
verify_no_two_daemons_set_the_clock() {
    daemons=$(
        for unit in chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service; do
            ! systemctl is-active -q $unit || systemctl show -p Id $unit
        done | sort -u
    )
    [ "$(printf '%s\n' "$daemons" | wc -l)" -lt 2 ] || { echo "these do: $daemons"; exit 1; }
}

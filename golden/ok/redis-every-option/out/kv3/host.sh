# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What kv3 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=caches
host=kv3
names='kv3 kv3.example.net'
addresses=10.1.0.23
platform=debian-11
releases=debian:11
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   openssl
    package   redis-server
    package   redis-tools
    directory 0755 root:root /etc/clustergen/caches/redis-kv
    block     caches /etc/hosts none -
    file      0640 root:redis /etc/clustergen/caches/redis-kv/key.pem restart redis-server.service
    file      0644 root:root /etc/clustergen/caches/redis-kv/ca.pem restart redis-server.service
    file      0644 root:root /etc/clustergen/caches/redis-kv/cert.pem restart redis-server.service
    file      0644 root:root /etc/chrony/chrony.conf restart chrony.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-caches.cfg none -
    file      0600 root:root /etc/clustergen/caches/redis-kv/ping none -
    file      0640 redis:redis /etc/redis/redis.conf restart redis-server.service
    check     0 'chronyd -p -f /etc/chrony/chrony.conf' /etc/chrony/chrony.conf
    check     0 'said=$(cd / && runuser -u redis -- redis-server /etc/redis/redis.conf --port 0 --tls-port 0 --tls-replication yes --daemonize no --supervised no --logfile "" 2>&1); case $said in *"not listen anywhere"*) ;; *) printf "%s\n" "$said" | grep -Ev "^>>> .(requirepass|masterauth)"; exit 1 ;; esac' /etc/clustergen/caches/redis-kv/cert.pem /etc/clustergen/caches/redis-kv/key.pem /etc/clustergen/caches/redis-kv/ca.pem /etc/redis/redis.conf
    unit      chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service
    unit      redis-server.service
    verify    '/etc/clustergen/caches/redis-kv/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/clustergen/caches/redis-kv/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'redis kv: answers PONG' 'timeout 10 redis-cli --tls --cacert /etc/clustergen/caches/redis-kv/ca.pem --cert /etc/clustergen/caches/redis-kv/cert.pem --key /etc/clustergen/caches/redis-kv/key.pem -p 6380 </etc/clustergen/caches/redis-kv/ping | grep -qx PONG'
    verify    'redis kv: asks for a password' 'timeout 10 redis-cli --tls --cacert /etc/clustergen/caches/redis-kv/ca.pem --cert /etc/clustergen/caches/redis-kv/cert.pem --key /etc/clustergen/caches/redis-kv/key.pem -p 6380 PING 2>&1 | grep -q NOAUTH'
    verify    'redis kv: does not talk with who has no certificate' '! timeout 10 redis-cli --tls --cacert /etc/clustergen/caches/redis-kv/ca.pem -p 6380 PING 2>&1 | grep -qE "NOAUTH|PONG"'
    verify    'redis kv: follows the primary' 'for second in $(seq 30); do { grep ^AUTH /etc/clustergen/caches/redis-kv/ping; echo INFO replication; } | timeout 10 redis-cli --tls --cacert /etc/clustergen/caches/redis-kv/ca.pem --cert /etc/clustergen/caches/redis-kv/cert.pem --key /etc/clustergen/caches/redis-kv/key.pem -p 6380 | tr -d "\r" | grep -qx master_link_status:up && exit; sleep 1; done; exit 1'
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

# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What nine gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=releases
host=nine
names='nine nine.example.net'
addresses=10.1.0.19
platform=rhel-9
releases='rhel:9 centos:9 rocky:9 almalinux:9'
package_manager=dnf

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   openssl
    package   redis
    directory 0755 root:root /etc/clustergen/releases/redis-pair
    block     releases /etc/hosts none -
    file      0640 root:redis /etc/clustergen/releases/redis-pair/key.pem restart redis.service
    file      0644 root:root /etc/clustergen/releases/redis-pair/ca.pem restart redis.service
    file      0644 root:root /etc/clustergen/releases/redis-pair/cert.pem restart redis.service
    file      0644 root:root /etc/chrony.conf restart chronyd.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-releases.cfg none -
    file      0600 root:root /etc/clustergen/releases/redis-pair/ping none -
    file      0640 redis:root /etc/redis/redis.conf restart redis.service
    check     0 'chronyd -p -f /etc/chrony.conf' /etc/chrony.conf
    check     0 'said=$(cd / && runuser -u redis -- redis-server /etc/redis/redis.conf --port 0 --tls-port 0 --tls-replication yes --daemonize no --supervised no --logfile "" 2>&1); case $said in *"not listen anywhere"*) ;; *) printf "%s\n" "$said" | grep -Ev "^>>> .(requirepass|masterauth)"; exit 1 ;; esac' /etc/clustergen/releases/redis-pair/cert.pem /etc/clustergen/releases/redis-pair/key.pem /etc/clustergen/releases/redis-pair/ca.pem /etc/redis/redis.conf
    unit      chronyd.service ntpd.service systemd-timesyncd.service
    unit      redis.service
    verify    '/etc/clustergen/releases/redis-pair/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/clustergen/releases/redis-pair/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'redis pair: answers PONG' 'timeout 10 redis-cli --tls --cacert /etc/clustergen/releases/redis-pair/ca.pem --cert /etc/clustergen/releases/redis-pair/cert.pem --key /etc/clustergen/releases/redis-pair/key.pem -p 6379 </etc/clustergen/releases/redis-pair/ping | grep -qx PONG'
    verify    'redis pair: asks for a password' 'timeout 10 redis-cli --tls --cacert /etc/clustergen/releases/redis-pair/ca.pem --cert /etc/clustergen/releases/redis-pair/cert.pem --key /etc/clustergen/releases/redis-pair/key.pem -p 6379 PING 2>&1 | grep -q NOAUTH'
    verify    'redis pair: does not talk with who has no certificate' '! timeout 10 redis-cli --tls --cacert /etc/clustergen/releases/redis-pair/ca.pem -p 6379 PING 2>&1 | grep -qE "NOAUTH|PONG"'
    verify    'redis pair: follows the primary' 'for second in $(seq 30); do { grep ^AUTH /etc/clustergen/releases/redis-pair/ping; echo INFO replication; } | timeout 10 redis-cli --tls --cacert /etc/clustergen/releases/redis-pair/ca.pem --cert /etc/clustergen/releases/redis-pair/cert.pem --key /etc/clustergen/releases/redis-pair/key.pem -p 6379 | tr -d "\r" | grep -qx master_link_status:up && exit; sleep 1; done; exit 1'
    verify    'the clock follows the time servers, within a second' 'chronyc -n waitsync 6 1'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen releases$/,/^# END clustergen releases$/{ s/#.*//; p; }" /etc/hosts | {
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
        for unit in chronyd.service ntpd.service systemd-timesyncd.service; do
            ! systemctl is-active -q $unit || systemctl show -p Id $unit
        done | sort -u
    )
    [ "$(printf '%s\n' "$daemons" | wc -l)" -lt 2 ] || { echo "these do: $daemons"; exit 1; }
}

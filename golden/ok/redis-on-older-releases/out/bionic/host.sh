# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What bionic gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=releases
host=bionic
names='bionic bionic.example.net'
addresses=10.1.0.11
platform=ubuntu-18.04
releases=ubuntu:18.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   redis-server
    package   redis-tools
    directory 0755 root:root /etc/clustergen/releases/redis-local
    block     releases /etc/hosts none -
    file      0644 root:root /etc/chrony/chrony.conf restart chrony.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-releases.cfg none -
    file      0600 root:root /etc/clustergen/releases/redis-local/ping none -
    file      0640 redis:redis /etc/redis/redis.conf restart redis-server.service
    check     0 'said=$(cd / && runuser -u redis -- redis-server /etc/redis/redis.conf --port 0 --daemonize no --supervised no --logfile "" 2>&1); case $said in *"not listen anywhere"*) ;; *) printf "%s\n" "$said" | grep -Ev "^>>> .(requirepass|masterauth)"; exit 1 ;; esac' /etc/redis/redis.conf
    unit      chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service
    unit      redis-server.service
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'redis local: answers PONG' 'timeout 10 redis-cli -p 6379 </etc/clustergen/releases/redis-local/ping | grep -qx PONG'
    verify    'redis local: asks for a password' 'timeout 10 redis-cli -p 6379 PING 2>&1 | grep -q NOAUTH'
    verify    'redis local: listens on loopback alone' 'ss -Hltn "sport = :6379" | awk "\$4 !~ /^(127\\.|\\[::1\\])/ { print; open = 1 } END { exit open }"'
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
        for unit in chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service; do
            ! systemctl is-active -q $unit || systemctl show -p Id $unit
        done | sort -u
    )
    [ "$(printf '%s\n' "$daemons" | wc -l)" -lt 2 ] || { echo "these do: $daemons"; exit 1; }
}

# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What kv gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=kv
names='kv kv.example.org'
addresses=192.0.2.30
platform=ubuntu-20.04
releases=ubuntu:20.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    package   redis-server
    package   redis-tools
    package   stunnel4
    package   tzdata
    directory 0755 root:root /etc/clustergen/gluu/redis-idp
    directory 0755 root:root /etc/stunnel/idp
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     gluu /etc/hosts none -
    file      0600 root:root /etc/stunnel/idp/key.pem restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/stunnel/idp/cert.pem restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/stunnel/idp/cluster-ca.pem restart clustergen-stunnel-idp.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-gluu.cfg none -
    file      0600 root:root /etc/clustergen/gluu/redis-idp/ping none -
    file      0640 redis:redis /etc/redis/redis.conf restart redis-server.service
    file      0644 root:root /etc/stunnel/idp/stunnel.conf restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-idp.service restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/timezone none -
    check     0 'said=$(cd / && runuser -u redis -- redis-server /etc/redis/redis.conf --port 0 --daemonize no --supervised no --logfile "" 2>&1); case $said in *"not listen anywhere"*) ;; *) printf "%s\n" "$said" | grep -Ev "^>>> .(requirepass|masterauth)"; exit 1 ;; esac' /etc/redis/redis.conf
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/idp/stunnel.conf | timeout 10 /usr/bin/stunnel4 -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/idp/cert.pem /etc/stunnel/idp/key.pem /etc/stunnel/idp/cluster-ca.pem /etc/stunnel/idp/stunnel.conf
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      clustergen-stunnel-idp.service
    unit      redis-server.service
    verify    '/etc/stunnel/idp/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/idp/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'redis idp: answers PONG' 'timeout 10 redis-cli -p 6380 </etc/clustergen/gluu/redis-idp/ping | grep -qx PONG'
    verify    'redis idp: asks for a password' 'timeout 10 redis-cli -p 6380 PING 2>&1 | grep -q NOAUTH'
    verify    'redis idp: listens on loopback alone' 'ss -Hltn "sport = :6380" | awk "\$4 !~ /^(127\\.|\\[::1\\])/ { print; open = 1 } END { exit open }"'
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
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

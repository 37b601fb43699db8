# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What b gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=stores
host=b
names='b b.example.net'
addresses=192.0.2.2
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    directory 0700 root:root /var/lib/clustergen/stores/keystore/app
    directory 0700 root:root /var/lib/clustergen/stores/keystore/java
    block     stores /etc/hosts none -
    file      0600 root:root /var/lib/clustergen/stores/keystore/app/key.pem restart app.service
    file      0600 root:root /var/lib/clustergen/stores/keystore/app/password restart app.service
    file      0600 root:root /var/lib/clustergen/stores/keystore/java/password none -
    file      0600 root:root /var/lib/clustergen/stores/keystore/app/ca.pem restart app.service
    file      0600 root:root /var/lib/clustergen/stores/keystore/app/cert.pem restart app.service
    file      0600 root:root /var/lib/clustergen/stores/keystore/java/ca.pem none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-stores.cfg none -
    file      0700 root:root /var/lib/clustergen/stores/keystore/app/store restart app.service
    file      0700 root:root /var/lib/clustergen/stores/keystore/java/store none -
    made      '/etc/app/app store.p12' restart app.service 'sh /var/lib/clustergen/stores/keystore/app/store check' 'sh /var/lib/clustergen/stores/keystore/app/store' /var/lib/clustergen/stores/keystore/app/cert.pem /var/lib/clustergen/stores/keystore/app/key.pem /var/lib/clustergen/stores/keystore/app/ca.pem /var/lib/clustergen/stores/keystore/app/password /var/lib/clustergen/stores/keystore/app/store
    made      /opt/jre/lib/security/cacerts none - 'sh /var/lib/clustergen/stores/keystore/java/store check' 'sh /var/lib/clustergen/stores/keystore/java/store' /var/lib/clustergen/stores/keystore/java/ca.pem /var/lib/clustergen/stores/keystore/java/password /var/lib/clustergen/stores/keystore/java/store
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen stores$/,/^# END clustergen stores$/{ s/#.*//; p; }" /etc/hosts | {
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

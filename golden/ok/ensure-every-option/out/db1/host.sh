# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What db1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=state
host=db1
names='db1 db1.example.org'
addresses=192.0.2.1
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    directory 0700 root:root /var/lib/clustergen/state/ensure/shop-role
    block     state /etc/hosts none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-state.cfg none -
    file      0600 root:root /var/lib/clustergen/state/ensure/shop-role/password none -
    file      0600 root:root /var/lib/clustergen/state/ensure/shop-role/password.sql none -
    need make-database need fill finally   shop-role 'the shop'\''s role has the shop'\''s password' restart pgbouncer.service /var/lib/clustergen/state/ensure/shop-role/password.sql /var/lib/clustergen/state/ensure/shop-role/password
    step      1/2 make-database keeps make-database
    step      2/2 fill keeps fill make-database
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
}

# the shop's role has the shop's password
holds_shop_role() {
    files=/var/lib/clustergen/state/ensure/shop-role sh -ec 'PGPASSWORD=$(cat "$files/password") psql -h 127.0.0.1 -U shop -c '\'''\'' orders'
}

# the shop's role has the shop's password
ensure_shop_role() {
    files=/var/lib/clustergen/state/ensure/shop-role sh -ec '# it'\''s read as root, and given on as postgres
su postgres -c '\''psql orders'\'' <"$files/password.sql"'
}

# make-database
run_make_database() {
    sh -ec 'su postgres -c '\''createdb orders'\'''
}

# make-database
proof_make_database() {
    sh -ec 'su postgres -c '\''psql -l'\'' | grep -q orders'
}

# fill
run_fill() {
    sh -ec 'su postgres -c '\''psql -f /opt/app/tables.sql orders'\'''
}

# fill
proof_fill() {
    sh -ec 'test -e /opt/app/filled'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen state$/,/^# END clustergen state$/{ s/#.*//; p; }" /etc/hosts | {
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

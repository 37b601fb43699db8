# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What ds2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=people
host=ds2
names='ds2 ds2.example.org'
addresses=192.0.2.2
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    directory 0700 root:root /var/lib/clustergen/people/opendj/people
    block     people /etc/hosts none -
    file      0600 root:root /var/lib/clustergen/people/opendj/people/admin-password none -
    file      0600 root:root /var/lib/clustergen/people/opendj/people/key.pem none -
    file      0600 root:root /var/lib/clustergen/people/opendj/people/ca.pem none -
    file      0600 root:root /var/lib/clustergen/people/opendj/people/cert.pem none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-people.cfg none -
    file      0700 root:root /var/lib/clustergen/people/opendj/people/opendj none -
    need opendj-people-connectors ensure    opendj-people-stores 'opendj `people`: this host shows its certificate' none - /var/lib/clustergen/people/opendj/people/cert.pem /var/lib/clustergen/people/opendj/people/key.pem /var/lib/clustergen/people/opendj/people/ca.pem
    step      2/5 opendj-people-connectors keeps 'opendj `people`: ds2 listens to the others'
    step      5/5 opendj-people-data-dc-example-dc-org keeps 'opendj `people`: the data of ds1 in `dc=example,dc=org` has come' opendj-people-connectors
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    need opendj-people-connectors verify    'opendj `people`: ds1 answers on LDAPS, with its own certificate' '/var/lib/clustergen/people/opendj/people/opendj ldaps ds1'
    need opendj-people-connectors verify    'opendj `people`: ds2 answers on LDAPS, with its own certificate' '/var/lib/clustergen/people/opendj/people/opendj ldaps ds2'
    need opendj-people-data-dc-example-dc-org verify    'opendj `people`: ds2 replicates `dc=example,dc=org`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/people/opendj judge ds2 '\''dc=example,dc=org'\'''
    verify    'the clock is in sync' verify_the_clock_is_in_sync
}

# opendj `people`: this host shows its certificate
holds_opendj_people_stores() {
    /var/lib/clustergen/people/opendj/people/opendj has-stores
}

# opendj `people`: this host shows its certificate
ensure_opendj_people_stores() {
    /var/lib/clustergen/people/opendj/people/opendj stores
}

# opendj `people`: ds2 listens to the others
guard_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj is-set-up
}

# opendj `people`: ds2 listens to the others
run_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj connectors
}

# opendj `people`: ds2 listens to the others
proof_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj has-connectors
}

# opendj `people`: the data of ds1 in `dc=example,dc=org` has come
proof_opendj_people_data_dc_example_dc_org() {
    /var/lib/clustergen/people/opendj/people/opendj initialized ds2 'dc=example,dc=org'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen people$/,/^# END clustergen people$/{ s/#.*//; p; }" /etc/hosts | {
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

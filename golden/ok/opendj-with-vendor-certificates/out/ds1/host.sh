# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What ds1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=people
host=ds1
names='ds1 ds1.example.org'
addresses=2001:db8::1
platform=ubuntu-20.04
releases=ubuntu:20.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    directory 0700 root:root /var/lib/clustergen/people/opendj/people
    block     people /etc/hosts none -
    file      0600 root:root /var/lib/clustergen/people/opendj/people/admin-password none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-people.cfg none -
    file      0700 root:root /var/lib/clustergen/people/opendj/people/opendj none -
    step      1/5 opendj-people-connectors keeps 'opendj `people`: ds1 listens to the others'
    step      3/5 opendj-people-enable-ds2-o-gluu keeps 'opendj `people`: ds1 and ds2 replicate `o=gluu`' opendj-people-connectors
    step      4/5 opendj-people-initialize-ds2-o-gluu destroys 'opendj `people`: the data of ds1 in `o=gluu` takes the place of ds2'\''s' opendj-people-enable-ds2-o-gluu
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    need opendj-people-connectors verify    'opendj `people`: ds1 answers on LDAPS, whosever certificate it shows' '/var/lib/clustergen/people/opendj/people/opendj ldaps ds1'
    need opendj-people-initialize-ds2-o-gluu verify    'opendj `people`: ds1 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/people/opendj judge ds1 '\''o=gluu'\'''
    need opendj-people-connectors verify    'opendj `people`: ds2 answers on LDAPS, whosever certificate it shows' '/var/lib/clustergen/people/opendj/people/opendj ldaps ds2'
    need opendj-people-initialize-ds2-o-gluu verify    'opendj `people`: ds2 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/people/opendj judge ds2 '\''o=gluu'\'''
    verify    'the clock is in sync' verify_the_clock_is_in_sync
}

# opendj `people`: ds1 listens to the others
guard_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj is-set-up
}

# opendj `people`: ds1 listens to the others
run_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj connectors
}

# opendj `people`: ds1 listens to the others
proof_opendj_people_connectors() {
    /var/lib/clustergen/people/opendj/people/opendj has-connectors
}

# opendj `people`: ds1 and ds2 replicate `o=gluu`
guard_opendj_people_enable_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj reaches ds2
}

# opendj `people`: ds1 and ds2 replicate `o=gluu`
run_opendj_people_enable_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj enable ds2 'o=gluu'
}

# opendj `people`: ds1 and ds2 replicate `o=gluu`
proof_opendj_people_enable_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj enabled ds2 'o=gluu'
}

# opendj `people`: the data of ds1 in `o=gluu` takes the place of ds2's
guard_opendj_people_initialize_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj expendable ds2 'o=gluu'
}

# opendj `people`: the data of ds1 in `o=gluu` takes the place of ds2's
run_opendj_people_initialize_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj initialize ds2 'o=gluu'
}

# opendj `people`: the data of ds1 in `o=gluu` takes the place of ds2's
proof_opendj_people_initialize_ds2_o_gluu() {
    /var/lib/clustergen/people/opendj/people/opendj initialized ds2 'o=gluu'
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

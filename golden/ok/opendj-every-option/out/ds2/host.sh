# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What ds2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=people
host=ds2
names='ds2 ds2.example.org'
addresses='192.0.2.2 10.9.0.2'
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    directory 0700 root:root /var/lib/clustergen/people/opendj/idp
    block     people /etc/hosts none -
    file      0600 root:root /var/lib/clustergen/people/opendj/idp/admin-password none -
    file      0600 root:root /var/lib/clustergen/people/opendj/idp/key.pem none -
    file      0600 root:root /var/lib/clustergen/people/opendj/idp/ca.pem none -
    file      0600 root:root /var/lib/clustergen/people/opendj/idp/cert.pem none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-people.cfg none -
    file      0700 root:root /var/lib/clustergen/people/opendj/idp/opendj none -
    need opendj-idp-connectors ensure    opendj-idp-stores 'opendj `idp`: this host shows its certificate' none - /var/lib/clustergen/people/opendj/idp/cert.pem /var/lib/clustergen/people/opendj/idp/key.pem /var/lib/clustergen/people/opendj/idp/ca.pem
    step      3/24 setup keeps setup
    step      4/24 opendj-idp-connectors keeps 'opendj `idp`: ds2 listens to the others' setup
    step      5/24 opendj-idp-enable-ds1-o-gluu keeps 'opendj `idp`: ds2 and ds1 replicate `o=gluu`' opendj-idp-connectors
    step      6/24 opendj-idp-initialize-ds1-o-gluu destroys 'opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds1'\''s' opendj-idp-enable-ds1-o-gluu
    step      8/24 opendj-idp-enable-ds1-o-site keeps 'opendj `idp`: ds2 and ds1 replicate `o=site`' opendj-idp-connectors
    step      9/24 opendj-idp-initialize-ds1-o-site destroys 'opendj `idp`: the data of ds2 in `o=site` takes the place of ds1'\''s' opendj-idp-enable-ds1-o-site
    step      11/24 opendj-idp-enable-ds1-dc-our-people-dc-example keeps 'opendj `idp`: ds2 and ds1 replicate `dc=our people, dc=example`' opendj-idp-connectors
    step      12/24 opendj-idp-initialize-ds1-dc-our-people-dc-example destroys 'opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds1'\''s' opendj-idp-enable-ds1-dc-our-people-dc-example
    step      16/24 opendj-idp-enable-ds3-o-gluu keeps 'opendj `idp`: ds2 and ds3 replicate `o=gluu`' opendj-idp-connectors
    step      17/24 opendj-idp-initialize-ds3-o-gluu destroys 'opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds3'\''s' opendj-idp-enable-ds3-o-gluu
    step      19/24 opendj-idp-enable-ds3-o-site keeps 'opendj `idp`: ds2 and ds3 replicate `o=site`' opendj-idp-connectors
    step      20/24 opendj-idp-initialize-ds3-o-site destroys 'opendj `idp`: the data of ds2 in `o=site` takes the place of ds3'\''s' opendj-idp-enable-ds3-o-site
    step      22/24 opendj-idp-enable-ds3-dc-our-people-dc-example keeps 'opendj `idp`: ds2 and ds3 replicate `dc=our people, dc=example`' opendj-idp-connectors
    step      23/24 opendj-idp-initialize-ds3-dc-our-people-dc-example destroys 'opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds3'\''s' opendj-idp-enable-ds3-dc-our-people-dc-example
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    need opendj-idp-connectors verify    'opendj `idp`: ds1 answers on LDAPS, with its own certificate' '/var/lib/clustergen/people/opendj/idp/opendj ldaps ds1'
    need opendj-idp-initialize-ds1-dc-our-people-dc-example verify    'opendj `idp`: ds1 replicates `dc=our people, dc=example`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds1 '\''dc=our people, dc=example'\'''
    need opendj-idp-initialize-ds1-o-gluu verify    'opendj `idp`: ds1 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds1 '\''o=gluu'\'''
    need opendj-idp-initialize-ds1-o-site verify    'opendj `idp`: ds1 replicates `o=site`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds1 '\''o=site'\'''
    need opendj-idp-connectors verify    'opendj `idp`: ds2 answers on LDAPS, with its own certificate' '/var/lib/clustergen/people/opendj/idp/opendj ldaps ds2'
    need opendj-idp-initialize-ds1-dc-our-people-dc-example verify    'opendj `idp`: ds2 replicates `dc=our people, dc=example`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds2 '\''dc=our people, dc=example'\'''
    need opendj-idp-initialize-ds1-o-gluu verify    'opendj `idp`: ds2 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds2 '\''o=gluu'\'''
    need opendj-idp-initialize-ds1-o-site verify    'opendj `idp`: ds2 replicates `o=site`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds2 '\''o=site'\'''
    need opendj-idp-connectors verify    'opendj `idp`: ds3 answers on LDAPS, with its own certificate' '/var/lib/clustergen/people/opendj/idp/opendj ldaps ds3'
    need opendj-idp-initialize-ds3-dc-our-people-dc-example verify    'opendj `idp`: ds3 replicates `dc=our people, dc=example`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds3 '\''dc=our people, dc=example'\'''
    need opendj-idp-initialize-ds3-o-gluu verify    'opendj `idp`: ds3 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds3 '\''o=gluu'\'''
    need opendj-idp-initialize-ds3-o-site verify    'opendj `idp`: ds3 replicates `o=site`, encrypted, and misses nothing' '/var/lib/clustergen/people/opendj/idp/opendj judge ds3 '\''o=site'\'''
    verify    'the clock is in sync' verify_the_clock_is_in_sync
}

# opendj `idp`: this host shows its certificate
holds_opendj_idp_stores() {
    /var/lib/clustergen/people/opendj/idp/opendj has-stores
}

# opendj `idp`: this host shows its certificate
ensure_opendj_idp_stores() {
    /var/lib/clustergen/people/opendj/idp/opendj stores
}

# setup
proof_setup() {
    sh -ec 'test -x /opt/gluu-server/opt/ds/bin/dsreplication'
}

# opendj `idp`: ds2 listens to the others
guard_opendj_idp_connectors() {
    /var/lib/clustergen/people/opendj/idp/opendj is-set-up
}

# opendj `idp`: ds2 listens to the others
run_opendj_idp_connectors() {
    /var/lib/clustergen/people/opendj/idp/opendj connectors
}

# opendj `idp`: ds2 listens to the others
proof_opendj_idp_connectors() {
    /var/lib/clustergen/people/opendj/idp/opendj has-connectors
}

# opendj `idp`: ds2 and ds1 replicate `o=gluu`
guard_opendj_idp_enable_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds1
}

# opendj `idp`: ds2 and ds1 replicate `o=gluu`
run_opendj_idp_enable_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds1 'o=gluu'
}

# opendj `idp`: ds2 and ds1 replicate `o=gluu`
proof_opendj_idp_enable_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds1 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds1's
guard_opendj_idp_initialize_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds1 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds1's
run_opendj_idp_initialize_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds1 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds1's
proof_opendj_idp_initialize_ds1_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds1 'o=gluu'
}

# opendj `idp`: ds2 and ds1 replicate `o=site`
guard_opendj_idp_enable_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds1
}

# opendj `idp`: ds2 and ds1 replicate `o=site`
run_opendj_idp_enable_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds1 'o=site'
}

# opendj `idp`: ds2 and ds1 replicate `o=site`
proof_opendj_idp_enable_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds1 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds1's
guard_opendj_idp_initialize_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds1 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds1's
run_opendj_idp_initialize_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds1 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds1's
proof_opendj_idp_initialize_ds1_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds1 'o=site'
}

# opendj `idp`: ds2 and ds1 replicate `dc=our people, dc=example`
guard_opendj_idp_enable_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds1
}

# opendj `idp`: ds2 and ds1 replicate `dc=our people, dc=example`
run_opendj_idp_enable_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds1 'dc=our people, dc=example'
}

# opendj `idp`: ds2 and ds1 replicate `dc=our people, dc=example`
proof_opendj_idp_enable_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds1 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds1's
guard_opendj_idp_initialize_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds1 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds1's
run_opendj_idp_initialize_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds1 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds1's
proof_opendj_idp_initialize_ds1_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds1 'dc=our people, dc=example'
}

# opendj `idp`: ds2 and ds3 replicate `o=gluu`
guard_opendj_idp_enable_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds3
}

# opendj `idp`: ds2 and ds3 replicate `o=gluu`
run_opendj_idp_enable_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds3 'o=gluu'
}

# opendj `idp`: ds2 and ds3 replicate `o=gluu`
proof_opendj_idp_enable_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds3 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds3's
guard_opendj_idp_initialize_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds3 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds3's
run_opendj_idp_initialize_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds3 'o=gluu'
}

# opendj `idp`: the data of ds2 in `o=gluu` takes the place of ds3's
proof_opendj_idp_initialize_ds3_o_gluu() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds3 'o=gluu'
}

# opendj `idp`: ds2 and ds3 replicate `o=site`
guard_opendj_idp_enable_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds3
}

# opendj `idp`: ds2 and ds3 replicate `o=site`
run_opendj_idp_enable_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds3 'o=site'
}

# opendj `idp`: ds2 and ds3 replicate `o=site`
proof_opendj_idp_enable_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds3 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds3's
guard_opendj_idp_initialize_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds3 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds3's
run_opendj_idp_initialize_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds3 'o=site'
}

# opendj `idp`: the data of ds2 in `o=site` takes the place of ds3's
proof_opendj_idp_initialize_ds3_o_site() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds3 'o=site'
}

# opendj `idp`: ds2 and ds3 replicate `dc=our people, dc=example`
guard_opendj_idp_enable_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj reaches ds3
}

# opendj `idp`: ds2 and ds3 replicate `dc=our people, dc=example`
run_opendj_idp_enable_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj enable ds3 'dc=our people, dc=example'
}

# opendj `idp`: ds2 and ds3 replicate `dc=our people, dc=example`
proof_opendj_idp_enable_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj enabled ds3 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds3's
guard_opendj_idp_initialize_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj expendable ds3 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds3's
run_opendj_idp_initialize_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj initialize ds3 'dc=our people, dc=example'
}

# opendj `idp`: the data of ds2 in `dc=our people, dc=example` takes the place of ds3's
proof_opendj_idp_initialize_ds3_dc_our_people_dc_example() {
    /var/lib/clustergen/people/opendj/idp/opendj initialized ds3 'dc=our people, dc=example'
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

# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What idp2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=idp2
names='idp2 idp2.example.org'
addresses=192.0.2.22
platform=ubuntu-20.04
releases=ubuntu:20.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   cron
    package   csync2
    package   openssl
    package   sqlite3
    package   tzdata
    directory 0700 root:root /var/backups/csync2
    directory 0700 root:root /var/lib/clustergen/gluu/ensure/idp-cache
    directory 0700 root:root /var/lib/clustergen/gluu/ensure/idp-trust
    directory 0700 root:root /var/lib/clustergen/gluu/opendj/idp
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    where /opt/gluu-server/usr link      /opt/gluu-server/etc/localtime /usr/share/zoneinfo/Etc/UTC none -
    block     gluu /etc/hosts none -
    file      0600 root:root /etc/csync2_idp.key none -
    file      0600 root:root /etc/csync2_ssl_key.pem none -
    where /opt/gluu-server/usr file      0600 root:root /opt/gluu-server/etc/certs/httpd.key reload gluu-apache.service
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/admin-password none -
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/key.pem none -
    file      0644 root:root /etc/csync2_ssl_cert.pem none -
    where /opt/gluu-server/usr file      0644 root:root /opt/gluu-server/etc/certs/httpd.crt reload gluu-apache.service
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/ca.pem none -
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/cert.pem none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-gluu.cfg none -
    file      0644 root:root /etc/cron.d/clustergen-csync2 none -
    file      0644 root:root /etc/csync2.cfg none -
    file      0644 root:root /etc/csync2_peers none -
    file      0755 root:root /etc/csync2_sync none -
    file      0644 root:root /etc/systemd/system/csync2.socket restart csync2.socket
    file      0644 root:root /etc/systemd/system/csync2@.service none -
    file      0644 root:root /etc/systemd/system/gluu-apache.service restart gluu-apache.service
    file      0644 root:root /etc/timezone none -
    where /opt/gluu-server/usr file      0644 root:root /opt/gluu-server/etc/timezone none -
    file      0755 root:root /usr/local/sbin/gluu-run none -
    file      0600 root:root /var/lib/clustergen/gluu/ensure/idp-cache/decode.py none -
    file      0600 root:root /var/lib/clustergen/gluu/ensure/idp-cache/reread none -
    file      0600 root:root /var/lib/clustergen/gluu/ensure/idp-trust/decode.py none -
    file      0600 root:root /var/lib/clustergen/gluu/ensure/idp-trust/trust none -
    file      0700 root:root /var/lib/clustergen/gluu/opendj/idp/opendj none -
    ensure    csync2-peers 'csync2 knows its peers by their certificates' none - /etc/csync2_peers
    need opendj-idp-connectors ensure    opendj-idp-stores 'opendj `idp`: this host shows its certificate' none - /var/lib/clustergen/gluu/opendj/idp/cert.pem /var/lib/clustergen/gluu/opendj/idp/key.pem /var/lib/clustergen/gluu/opendj/idp/ca.pem
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/gluu-apache.service 2>&1 | grep -e '\''^/etc/systemd/system/gluu-apache.service:'\'' -e '\''^gluu-apache.service: '\'' -e '\''^Unit gluu-apache.service '\''' /etc/systemd/system/gluu-apache.service
    check     '0 2' 'csync2 -N idp2 -D "$scratch" -L' /etc/csync2_ssl_cert.pem /etc/csync2_ssl_key.pem /etc/csync2_idp.key /etc/csync2.cfg
    where /opt/gluu-server/usr check     0 'test -e /opt/gluu-server/usr/share/zoneinfo/Etc/UTC' /opt/gluu-server/etc/localtime
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      cron.service
    unit      csync2.socket
    unit      gluu-apache.service
    need opendj-idp-data-o-gluu finally   idp-cache 'Gluu has read where its cache is' none - /var/lib/clustergen/gluu/ensure/idp-cache/decode.py /var/lib/clustergen/gluu/ensure/idp-cache/reread
    need idp-trust finally   idp-trust 'Gluu and Java in /opt/gluu-server believe the cluster'\''s authority' none - /var/lib/clustergen/gluu/ensure/idp-trust/decode.py /var/lib/clustergen/gluu/ensure/idp-trust/trust
    step      2/15 idp-setup keeps 'the package of Gluu Server 4.4 is installed and its container up; `setup.py` runs with the answers of idp1'
    step      3/15 idp-certificates keeps 'certificates and key stores of the first node are in place' idp-setup
    step      5/15 csync2-idp-first-sync keeps 'csync2 `idp`: the files of idp1 have come'
    step      8/15 idp-trust keeps 'Gluu and Java in /opt/gluu-server believe the cluster'\''s authority' idp-certificates
    step      9/15 opendj-idp-connectors keeps 'opendj `idp`: idp2 listens to the others' idp-trust
    step      12/15 opendj-idp-data-o-gluu keeps 'opendj `idp`: the data of idp1 in `o=gluu` has come' opendj-idp-connectors
    step      15/15 opendj-idp-data-o-site keeps 'opendj `idp`: the data of idp1 in `o=site` has come' opendj-idp-connectors
    where /opt/gluu-server/usr verify    '/opt/gluu-server/etc/certs/httpd.crt: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /opt/gluu-server/etc/certs/httpd.crt'
    verify    'cron takes up /etc/cron.d/clustergen-csync2' verify_cron_takes_up_etc_cron_d_clustergen_csync2
    need csync2-idp-first-sync verify    'csync2 `idp`: every peer answers and holds the same files' '/etc/csync2_sync --alike idp'
    verify    'csync2 `idp`: no path leads over a symbolic link' verify_csync2_idp_no_path_leads_over_a_symbolic_link
    need csync2-idp-first-sync verify    'csync2: this host and its peers know each other by their certificates' '/etc/csync2_sync --agree'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    need opendj-idp-connectors verify    'opendj `idp`: idp1 answers on LDAPS, with its own certificate' '/var/lib/clustergen/gluu/opendj/idp/opendj ldaps idp1'
    need opendj-idp-connectors verify    'opendj `idp`: idp2 answers on LDAPS, with its own certificate' '/var/lib/clustergen/gluu/opendj/idp/opendj ldaps idp2'
    need opendj-idp-data-o-gluu verify    'opendj `idp`: idp2 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/gluu/opendj/idp/opendj judge idp2 '\''o=gluu'\'''
    need opendj-idp-data-o-site verify    'opendj `idp`: idp2 replicates `o=site`, encrypted, and misses nothing' '/var/lib/clustergen/gluu/opendj/idp/opendj judge idp2 '\''o=site'\'''
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    where /opt/gluu-server/usr verify    'the time zone in /opt/gluu-server is Etc/UTC' 'readlink /opt/gluu-server/etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /opt/gluu-server/usr/share/zoneinfo/Etc/UTC'
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
}

# csync2 knows its peers by their certificates
holds_csync2_peers() {
    /etc/csync2_sync --known
}

# csync2 knows its peers by their certificates
ensure_csync2_peers() {
    /etc/csync2_sync --learn
}

# opendj `idp`: this host shows its certificate
holds_opendj_idp_stores() {
    /var/lib/clustergen/gluu/opendj/idp/opendj has-stores
}

# opendj `idp`: this host shows its certificate
ensure_opendj_idp_stores() {
    /var/lib/clustergen/gluu/opendj/idp/opendj stores
}

# Gluu has read where its cache is
holds_idp_cache() {
    files=/var/lib/clustergen/gluu/ensure/idp-cache sh -ec 'to=look sh -e "$files/reread"'
}

# Gluu has read where its cache is
ensure_idp_cache() {
    files=/var/lib/clustergen/gluu/ensure/idp-cache sh -ec 'to=change sh -e "$files/reread"'
}

# Gluu and Java in /opt/gluu-server believe the cluster's authority
holds_idp_trust() {
    files=/var/lib/clustergen/gluu/ensure/idp-trust sh -ec 'to=look sh -e "$files/trust"'
}

# Gluu and Java in /opt/gluu-server believe the cluster's authority
ensure_idp_trust() {
    files=/var/lib/clustergen/gluu/ensure/idp-trust sh -ec 'to=change sh -e "$files/trust"'
}

# the package of Gluu Server 4.4 is installed and its container up; `setup.py` runs with the answers of idp1
guard_idp_setup() {
    sh -ec 'sh -e "$files/guard"'
}

# the package of Gluu Server 4.4 is installed and its container up; `setup.py` runs with the answers of idp1
run_idp_setup() {
    sh -ec 'sh -e "$files/install"'
}

# the package of Gluu Server 4.4 is installed and its container up; `setup.py` runs with the answers of idp1
proof_idp_setup() {
    sh -ec '/usr/local/sbin/gluu-run test -s /etc/gluu/conf/gluu.properties && /usr/local/sbin/gluu-run test -s /install/community-edition-setup/setup.properties.last.enc'
}

# certificates and key stores of the first node are in place
run_idp_certificates() {
    sh -ec 'sh -e "$files/unpack"'
}

# certificates and key stores of the first node are in place
proof_idp_certificates() {
    sh -ec 'sh -e "$files/same"'
}

# csync2 `idp`: the files of idp1 have come
proof_csync2_idp_first_sync() {
    found=''
    for path in \
        /opt/gluu-server/etc/gluu/conf \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/idp \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/sp \
        /opt/gluu-server/opt/shibboleth-idp/conf \
        /opt/gluu-server/opt/shibboleth-idp/credentials \
        /opt/gluu-server/opt/shibboleth-idp/metadata \
        /opt/gluu-server/opt/shibboleth-idp/sp \
        /opt/gluu-server/opt/shibboleth-idp/temp_metadata \
    ; do
        [ -z "$(find "$path" ! -type d -print -quit 2>/dev/null)" ] || found=1
    done
    [ -n "$found" ] || { echo 'none of its folders has a file yet'; return 1; }
    exec 9>/run/clustergen-csync2.lock
    flock -w 600 9 || { echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }
    csync2 -N idp2 -G idp -cr /
    came=$(csync2 -N idp2 -G idp -T idp2 idp1) || [ $? -eq 2 ] || return 1
    ! printf '%s\n' "$came" | grep -q '^[RX]' || return 1
    for path in \
        /opt/gluu-server/etc/gluu/conf \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/idp \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/sp \
        /opt/gluu-server/opt/shibboleth-idp/conf \
        /opt/gluu-server/opt/shibboleth-idp/credentials \
        /opt/gluu-server/opt/shibboleth-idp/metadata \
        /opt/gluu-server/opt/shibboleth-idp/sp \
        /opt/gluu-server/opt/shibboleth-idp/temp_metadata \
    ; do
        line=$(printf 'L\t%s\t%s\t%s' idp2 idp1 "$path")
        ! printf '%s\n' "$came" | grep -Fqx "$line" || return 1
    done
}

# Gluu and Java in /opt/gluu-server believe the cluster's authority
run_idp_trust() {
    sh -ec 'export files=/var/lib/clustergen/gluu/ensure/idp-trust; to=change sh -e "$files/trust"'
}

# Gluu and Java in /opt/gluu-server believe the cluster's authority
proof_idp_trust() {
    sh -ec 'export files=/var/lib/clustergen/gluu/ensure/idp-trust; to=look sh -e "$files/trust"'
}

# opendj `idp`: idp2 listens to the others
guard_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj is-set-up
}

# opendj `idp`: idp2 listens to the others
run_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj connectors
}

# opendj `idp`: idp2 listens to the others
proof_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj has-connectors
}

# opendj `idp`: the data of idp1 in `o=gluu` has come
proof_opendj_idp_data_o_gluu() {
    /var/lib/clustergen/gluu/opendj/idp/opendj initialized idp2 'o=gluu'
}

# opendj `idp`: the data of idp1 in `o=site` has come
proof_opendj_idp_data_o_site() {
    /var/lib/clustergen/gluu/opendj/idp/opendj initialized idp2 'o=site'
}

# cron takes up /etc/cron.d/clustergen-csync2
verify_cron_takes_up_etc_cron_d_clustergen_csync2() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/clustergen-csync2 &&
        find /etc/cron.d/clustergen-csync2 -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/clustergen-csync2)" |
        grep -E "/etc/cron.d/clustergen-csync2([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# csync2 `idp`: no path leads over a symbolic link
verify_csync2_idp_no_path_leads_over_a_symbolic_link() {
    for path in \
        /opt/gluu-server/etc/gluu/conf \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/idp \
        /opt/gluu-server/opt/gluu/jetty/identity/conf/shibboleth3/sp \
        /opt/gluu-server/opt/shibboleth-idp/conf \
        /opt/gluu-server/opt/shibboleth-idp/credentials \
        /opt/gluu-server/opt/shibboleth-idp/metadata \
        /opt/gluu-server/opt/shibboleth-idp/sp \
        /opt/gluu-server/opt/shibboleth-idp/temp_metadata \
    ; do
        # of what is not there, or not there yet, there is nothing to say
        [ -e "$path" ] || [ -L "$path" ] || continue
        real=$(readlink -f "$path")
        [ "$real" = "$path" ] || { echo "$path is ${real:-nothing}"; exit 1; }
    done
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

# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What node2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=gluu
host=node2
names='node2 node2.example.org'
addresses=138.197.65.243
platform=ubuntu-18.04
releases=ubuntu:18.04
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   cron
    package   csync2
    package   openssl
    package   redis-tools
    package   sqlite3
    package   stunnel4
    package   tzdata
    directory 0755 root:root /etc/clustergen/gluu/redis-idp
    directory 0755 root:root /etc/stunnel/idp
    directory 0700 root:root /var/backups/csync2
    directory 0700 root:root /var/lib/clustergen/gluu/ensure/idp-cache
    directory 0700 root:root /var/lib/clustergen/gluu/ensure/idp-trust
    directory 0700 root:root /var/lib/clustergen/gluu/opendj/idp
    link      /etc/localtime /usr/share/zoneinfo/America/Chicago restart cron.service
    where /opt/gluu-server/usr link      /opt/gluu-server/etc/localtime /usr/share/zoneinfo/America/Chicago none -
    block     gluu /etc/hosts none -
    file      0600 root:root /etc/csync2_idp.key none -
    file      0600 root:root /etc/csync2_ssl_key.pem none -
    file      0600 root:root /etc/stunnel/idp/key.pem restart clustergen-stunnel-idp.service
    where /opt/gluu-server/usr file      0600 root:root /opt/gluu-server/etc/certs/httpd.key reload gluu-apache.service
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/admin-password none -
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/key.pem none -
    file      0644 root:root /etc/csync2_ssl_cert.pem none -
    file      0644 root:root /etc/stunnel/idp/cert.pem restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/stunnel/idp/cluster-ca.pem restart clustergen-stunnel-idp.service
    where /opt/gluu-server/usr file      0644 root:root /opt/gluu-server/etc/certs/httpd.crt reload gluu-apache.service
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/ca.pem none -
    file      0600 root:root /var/lib/clustergen/gluu/opendj/idp/cert.pem none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-gluu.cfg none -
    file      0600 root:root /etc/clustergen/gluu/redis-idp/ping none -
    file      0644 root:root /etc/cron.d/clustergen-csync2 none -
    file      0644 root:root /etc/csync2.cfg none -
    file      0644 root:root /etc/csync2_peers none -
    file      0755 root:root /etc/csync2_sync none -
    file      0644 root:root /etc/stunnel/idp/stunnel.conf restart clustergen-stunnel-idp.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-idp.service restart clustergen-stunnel-idp.service
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
    check     '0 2' 'csync2 -N node2 -D "$scratch" -L' /etc/csync2_ssl_cert.pem /etc/csync2_ssl_key.pem /etc/csync2_idp.key /etc/csync2.cfg
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/idp/stunnel.conf | timeout 10 /usr/bin/stunnel4 -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/idp/cert.pem /etc/stunnel/idp/key.pem /etc/stunnel/idp/cluster-ca.pem /etc/stunnel/idp/stunnel.conf
    where /opt/gluu-server/usr check     0 'test -e /opt/gluu-server/usr/share/zoneinfo/America/Chicago' /opt/gluu-server/etc/localtime
    check     0 'test -e /usr/share/zoneinfo/America/Chicago' /etc/localtime
    unit      clustergen-stunnel-idp.service
    unit      cron.service
    unit      csync2.socket
    unit      gluu-apache.service
    need opendj-idp-data-o-gluu finally   idp-cache 'Gluu has read where its cache is' none - /var/lib/clustergen/gluu/ensure/idp-cache/decode.py /var/lib/clustergen/gluu/ensure/idp-cache/reread
    need idp-trust finally   idp-trust 'Gluu and Java in /opt/gluu-server believe the cluster'\''s authority' none - /var/lib/clustergen/gluu/ensure/idp-trust/decode.py /var/lib/clustergen/gluu/ensure/idp-trust/trust
    step      2/15 idp-setup keeps 'the package of Gluu Server 4.1 is installed and its container up; `setup.py` runs with the answers of node1'
    step      3/15 idp-certificates keeps 'certificates and key stores of the first node are in place' idp-setup
    step      5/15 csync2-idp-first-sync keeps 'csync2 `idp`: the files of node1 have come'
    step      8/15 idp-trust keeps 'Gluu and Java in /opt/gluu-server believe the cluster'\''s authority' idp-certificates
    step      9/15 opendj-idp-connectors keeps 'opendj `idp`: node2 listens to the others' idp-trust
    step      12/15 opendj-idp-data-o-gluu keeps 'opendj `idp`: the data of node1 in `o=gluu` has come' opendj-idp-connectors
    step      15/15 opendj-idp-data-o-site keeps 'opendj `idp`: the data of node1 in `o=site` has come' opendj-idp-connectors
    verify    '/etc/stunnel/idp/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/idp/cert.pem'
    where /opt/gluu-server/usr verify    '/opt/gluu-server/etc/certs/httpd.crt: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /opt/gluu-server/etc/certs/httpd.crt'
    verify    'cron takes up /etc/cron.d/clustergen-csync2' verify_cron_takes_up_etc_cron_d_clustergen_csync2
    need csync2-idp-first-sync verify    'csync2 `idp`: every peer answers and holds the same files' '/etc/csync2_sync --alike idp'
    verify    'csync2 `idp`: no path leads over a symbolic link' verify_csync2_idp_no_path_leads_over_a_symbolic_link
    need csync2-idp-first-sync verify    'csync2: this host and its peers know each other by their certificates' '/etc/csync2_sync --agree'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    need opendj-idp-connectors verify    'opendj `idp`: node1 answers on LDAPS, with its own certificate' '/var/lib/clustergen/gluu/opendj/idp/opendj ldaps node1'
    need opendj-idp-connectors verify    'opendj `idp`: node2 answers on LDAPS, with its own certificate' '/var/lib/clustergen/gluu/opendj/idp/opendj ldaps node2'
    need opendj-idp-data-o-gluu verify    'opendj `idp`: node2 replicates `o=gluu`, encrypted, and misses nothing' '/var/lib/clustergen/gluu/opendj/idp/opendj judge node2 '\''o=gluu'\'''
    need opendj-idp-data-o-site verify    'opendj `idp`: node2 replicates `o=site`, encrypted, and misses nothing' '/var/lib/clustergen/gluu/opendj/idp/opendj judge node2 '\''o=site'\'''
    verify    'redis idp: answers PONG on 127.0.0.1:16379' 'timeout 10 redis-cli -p 16379 </etc/clustergen/gluu/redis-idp/ping | grep -qx PONG'
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    where /opt/gluu-server/usr verify    'the time zone in /opt/gluu-server is America/Chicago' 'readlink /opt/gluu-server/etc/localtime | grep -Fx /usr/share/zoneinfo/America/Chicago && test -e /opt/gluu-server/usr/share/zoneinfo/America/Chicago'
    verify    'the time zone is America/Chicago' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/America/Chicago && test -e /usr/share/zoneinfo/America/Chicago'
    verify    'tunnel idp: redis answers on 197.122.32.42:16379 as redis' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "197.122.32.42:16379" -servername redis -verify_hostname redis -verify_return_error -CAfile /etc/stunnel/idp/cluster-ca.pem -cert /etc/stunnel/idp/cert.pem -key /etc/stunnel/idp/key.pem </dev/null | grep "^ *Verify return code: 0 "'
    verify    'tunnel idp: what connects to 127.0.0.1:16379 comes out' 'timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/16379 || exit; read -r -n 1 -t 2 -u 3; [ \$? -ne 1 ]"'
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

# the package of Gluu Server 4.1 is installed and its container up; `setup.py` runs with the answers of node1
guard_idp_setup() {
    sh -ec 'sh -e "$files/guard"'
}

# the package of Gluu Server 4.1 is installed and its container up; `setup.py` runs with the answers of node1
run_idp_setup() {
    sh -ec 'sh -e "$files/install"'
}

# the package of Gluu Server 4.1 is installed and its container up; `setup.py` runs with the answers of node1
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

# csync2 `idp`: the files of node1 have come
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
    csync2 -N node2 -G idp -cr /
    came=$(csync2 -N node2 -G idp -T node2 node1) || [ $? -eq 2 ] || return 1
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
        line=$(printf 'L\t%s\t%s\t%s' node2 node1 "$path")
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

# opendj `idp`: node2 listens to the others
guard_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj is-set-up
}

# opendj `idp`: node2 listens to the others
run_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj connectors
}

# opendj `idp`: node2 listens to the others
proof_opendj_idp_connectors() {
    /var/lib/clustergen/gluu/opendj/idp/opendj has-connectors
}

# opendj `idp`: the data of node1 in `o=gluu` has come
proof_opendj_idp_data_o_gluu() {
    /var/lib/clustergen/gluu/opendj/idp/opendj initialized node2 'o=gluu'
}

# opendj `idp`: the data of node1 in `o=site` has come
proof_opendj_idp_data_o_site() {
    /var/lib/clustergen/gluu/opendj/idp/opendj initialized node2 'o=site'
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

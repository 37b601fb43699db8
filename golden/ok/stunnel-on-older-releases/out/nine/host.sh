# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What nine gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=releases
host=nine
names='nine nine.example.net'
addresses=10.1.0.13
platform=rhel-9
releases='rhel:9 centos:9 rocky:9 almalinux:9'
package_manager=dnf

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   openssl
    package   stunnel
    directory 0755 root:root /etc/stunnel/kv
    block     releases /etc/hosts none -
    file      0600 root:root /etc/stunnel/kv/key.pem restart clustergen-stunnel-kv.service
    file      0644 root:root /etc/stunnel/kv/cert.pem restart clustergen-stunnel-kv.service
    file      0644 root:root /etc/stunnel/kv/cluster-ca.pem restart clustergen-stunnel-kv.service
    file      0644 root:root /etc/chrony.conf restart chronyd.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-releases.cfg none -
    file      0644 root:root /etc/stunnel/kv/stunnel.conf restart clustergen-stunnel-kv.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-kv.service restart clustergen-stunnel-kv.service
    check     0 'chronyd -p -f /etc/chrony.conf' /etc/chrony.conf
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/kv/stunnel.conf | timeout 10 /usr/bin/stunnel -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/kv/cert.pem /etc/stunnel/kv/key.pem /etc/stunnel/kv/cluster-ca.pem /etc/stunnel/kv/stunnel.conf
    unit      chronyd.service ntpd.service systemd-timesyncd.service
    unit      clustergen-stunnel-kv.service
    verify    '/etc/stunnel/kv/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/kv/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock follows the time servers, within a second' 'chronyc -n waitsync 6 1'
    verify    'tunnel kv: bionic answers on 10.1.0.11:16379 as bionic' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.11:16379" -servername bionic -verify_hostname bionic -verify_return_error -CAfile /etc/stunnel/kv/cluster-ca.pem -cert /etc/stunnel/kv/cert.pem -key /etc/stunnel/kv/key.pem </dev/null | grep "^ *Verify return code: 0 "'
    verify    'tunnel kv: what connects to 127.0.0.1:16379 comes out' 'timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/16379 || exit; read -r -n 1 -t 2 -u 3; [ \$? -ne 1 ]"'
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

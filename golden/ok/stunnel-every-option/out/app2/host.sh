# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What app2 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=tunnels
host=app2
names='app2 app2.example.net'
addresses='10.1.0.12 2001:db8::12'
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   chrony
    package   openssl
    package   stunnel4
    directory 0755 root:root /etc/stunnel/cache
    directory 0755 root:root /etc/stunnel/metrics
    block     tunnels /etc/hosts none -
    file      0600 root:root /etc/stunnel/cache/key.pem restart clustergen-stunnel-cache.service
    file      0600 root:root /etc/stunnel/metrics/key.pem restart clustergen-stunnel-metrics.service
    file      0644 root:root /etc/stunnel/cache/cert.pem restart clustergen-stunnel-cache.service
    file      0644 root:root /etc/stunnel/cache/cluster-ca.pem restart clustergen-stunnel-cache.service
    file      0644 root:root /etc/stunnel/metrics/cert.pem restart clustergen-stunnel-metrics.service
    file      0644 root:root /etc/stunnel/metrics/cluster-ca.pem restart clustergen-stunnel-metrics.service
    file      0644 root:root /etc/chrony/chrony.conf restart chrony.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-tunnels.cfg none -
    file      0644 root:root /etc/stunnel/cache/stunnel.conf restart clustergen-stunnel-cache.service
    file      0644 root:root /etc/stunnel/metrics/stunnel.conf restart clustergen-stunnel-metrics.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-cache.service restart clustergen-stunnel-cache.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-metrics.service restart clustergen-stunnel-metrics.service
    check     0 'chronyd -p -f /etc/chrony/chrony.conf' /etc/chrony/chrony.conf
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/cache/stunnel.conf | timeout 10 /usr/bin/stunnel4 -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/cache/cert.pem /etc/stunnel/cache/key.pem /etc/stunnel/cache/cluster-ca.pem /etc/stunnel/cache/stunnel.conf
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/metrics/stunnel.conf | timeout 10 /usr/bin/stunnel4 -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/metrics/cert.pem /etc/stunnel/metrics/key.pem /etc/stunnel/metrics/cluster-ca.pem /etc/stunnel/metrics/stunnel.conf
    unit      chrony.service systemd-timesyncd.service ntp.service ntpsec.service openntpd.service
    unit      clustergen-stunnel-cache.service
    unit      clustergen-stunnel-metrics.service
    verify    '/etc/stunnel/cache/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/cache/cert.pem'
    verify    '/etc/stunnel/metrics/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/metrics/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock follows the time servers, within a second' 'chronyc -n waitsync 6 1'
    verify    'tunnel cache: kv1 answers on 10.1.0.21:16379 as cache.example.net' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.21:16379" -servername cache.example.net -verify_hostname cache.example.net -verify_return_error -CAfile /etc/stunnel/cache/cluster-ca.pem -cert /etc/stunnel/cache/cert.pem -key /etc/stunnel/cache/key.pem </dev/null | grep "^ *Verify return code: 0 "'
    verify    'tunnel cache: kv2 answers on 10.1.0.22:16379 as cache.example.net' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.22:16379" -servername cache.example.net -verify_hostname cache.example.net -verify_return_error -CAfile /etc/stunnel/cache/cluster-ca.pem -cert /etc/stunnel/cache/cert.pem -key /etc/stunnel/cache/key.pem </dev/null | grep "^ *Verify return code: 0 "'
    verify    'tunnel cache: what connects to 127.0.0.1:6380 comes out' 'timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/6380 || exit; read -r -n 1 -t 2 -u 3; [ \$? -ne 1 ]"'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen tunnels$/,/^# END clustergen tunnels$/{ s/#.*//; p; }" /etc/hosts | {
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

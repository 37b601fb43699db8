# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What app gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=acme
host=app
names='app app.example.net'
addresses=10.1.0.11
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   openssl
    package   stunnel4
    package   tzdata
    directory 0755 root:root /etc/stunnel/smtp
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     acme /etc/hosts none -
    file      0600 root:root /etc/stunnel/smtp/key.pem restart clustergen-stunnel-smtp.service
    file      0644 root:root /etc/stunnel/smtp/cert.pem restart clustergen-stunnel-smtp.service
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-acme.cfg none -
    file      0644 root:root /etc/stunnel/smtp/stunnel.conf restart clustergen-stunnel-smtp.service
    file      0644 root:root /etc/systemd/system/clustergen-stunnel-smtp.service restart clustergen-stunnel-smtp.service
    file      0644 root:root /etc/timezone none -
    check     0 'said=$(sed "s/^accept .*/accept = 240.0.0.1:1/" /etc/stunnel/smtp/stunnel.conf | timeout 10 /usr/bin/stunnel4 -fd 0 2>&1); case $said in *"Configuration successful"*) ;; *) printf "%s\n" "$said" | grep -v "^\[[ .]\]"; exit 1 ;; esac' /etc/stunnel/smtp/cert.pem /etc/stunnel/smtp/key.pem /etc/stunnel/smtp/stunnel.conf
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      clustergen-stunnel-smtp.service
    verify    '/etc/stunnel/smtp/cert.pem: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/stunnel/smtp/cert.pem'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
    verify    'tunnel smtp: mail answers on 10.1.0.20:10025 as mail.example.net' 'SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null timeout 10 openssl s_client -connect "10.1.0.20:10025" -servername mail.example.net -verify_hostname mail.example.net -verify_return_error -CAfile /etc/ssl/certs/ca-certificates.crt -cert /etc/stunnel/smtp/cert.pem -key /etc/stunnel/smtp/key.pem </dev/null | grep "^ *Verify return code: 0 "'
    verify    'tunnel smtp: what connects to 127.0.0.1:10025 comes out' 'timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/10025 || exit; read -r -n 1 -t 2 -u 3; [ \$? -ne 1 ]"'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen acme$/,/^# END clustergen acme$/{ s/#.*//; p; }" /etc/hosts | {
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

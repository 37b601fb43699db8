# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What app1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=units
host=app1
names='app1 app1.example.net'
addresses=10.1.0.11
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   tzdata
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     units /etc/hosts none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-units.cfg none -
    file      0644 root:root /etc/systemd/system/app.service reload app.service
    file      0644 root:root /etc/systemd/system/cron.service.d/limits.conf restart cron.service
    file      0644 root:root /etc/systemd/system/echo.socket restart echo.socket
    file      0644 root:root /etc/systemd/system/echo@.service none -
    file      0644 root:root /etc/systemd/system/report.service none -
    file      0644 root:root /etc/systemd/system/report.timer restart report.timer
    file      0644 root:root /etc/systemd/system/system.slice.d/memory.conf none -
    file      0644 root:root /etc/timezone none -
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/app.service 2>&1 | grep -e '\''^/etc/systemd/system/app.service:'\'' -e '\''^app.service: '\'' -e '\''^Unit app.service '\''' /etc/systemd/system/app.service
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/cron.service 2>&1 | grep -e '\''^/etc/systemd/system/cron.service.d/limits.conf:'\'' -e '\''^cron.service: '\'' -e '\''^Unit cron.service '\''' /etc/systemd/system/cron.service.d/limits.conf
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/echo.socket 2>&1 | grep -e '\''^/etc/systemd/system/echo.socket:'\'' -e '\''^echo.socket: '\'' -e '\''^Unit echo.socket '\''' /etc/systemd/system/echo.socket
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/echo@.service 2>&1 | grep -e '\''^/etc/systemd/system/echo@.service:'\'' -e '\''^echo@[^ ]*.service: '\'' -e '\''^Unit echo@[^ ]*.service '\''' /etc/systemd/system/echo@.service
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/report.service 2>&1 | grep -e '\''^/etc/systemd/system/report.service:'\'' -e '\''^report.service: '\'' -e '\''^Unit report.service '\''' /etc/systemd/system/report.service
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/report.timer 2>&1 | grep -e '\''^/etc/systemd/system/report.timer:'\'' -e '\''^report.timer: '\'' -e '\''^Unit report.timer '\''' /etc/systemd/system/report.timer
    check     0 '! systemd-analyze --man=no verify /etc/systemd/system/system.slice 2>&1 | grep -e '\''^/etc/systemd/system/system.slice.d/memory.conf:'\'' -e '\''^system.slice: '\'' -e '\''^Unit system.slice '\''' /etc/systemd/system/system.slice.d/memory.conf
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      app.service
    unit      echo.socket
    unit      report.timer
    verify    'cron.service has taken up limits.conf' 'systemctl show -p DropInPaths cron.service | grep -qF /etc/systemd/system/cron.service.d/limits.conf'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'it is known when report.timer is next' 'systemctl show -p SubState report.timer | grep -x -e SubState=waiting -e SubState=running'
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'report.service did not fail when report.timer last started it' '! systemctl is-failed report.service || { journalctl -q -n 10 -u report.service; exit 1; }'
    verify    'report.service is there for report.timer' 'systemctl cat report.service >/dev/null'
    verify    'system.slice has taken up memory.conf' 'systemctl show -p DropInPaths system.slice | grep -qF /etc/systemd/system/system.slice.d/memory.conf'
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen units$/,/^# END clustergen units$/{ s/#.*//; p; }" /etc/hosts | {
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

# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What app1 gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=jobs
host=app1
names='app1 app1.example.net'
addresses=10.1.0.11
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   cron
    package   tzdata
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     jobs /etc/hosts none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-jobs.cfg none -
    file      0644 root:root /etc/cron.d/cleanup none -
    file      0644 root:root /etc/cron.d/mirror none -
    file      0644 root:root /etc/cron.d/poll none -
    file      0644 root:root /etc/cron.d/report none -
    file      0644 root:root /etc/timezone none -
    check     0 'id nobody >/dev/null' /etc/cron.d/cleanup
    check     0 'id root >/dev/null' /etc/cron.d/mirror /etc/cron.d/poll /etc/cron.d/report
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      cron.service
    verify    'cron can run commands as nobody' 'id nobody >/dev/null'
    verify    'cron can run commands as root' 'id root >/dev/null'
    verify    'cron takes up /etc/cron.d/cleanup' verify_cron_takes_up_etc_cron_d_cleanup
    verify    'cron takes up /etc/cron.d/mirror' verify_cron_takes_up_etc_cron_d_mirror
    verify    'cron takes up /etc/cron.d/poll' verify_cron_takes_up_etc_cron_d_poll
    verify    'cron takes up /etc/cron.d/report' verify_cron_takes_up_etc_cron_d_report
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
    verify    'the time zone is Etc/UTC' 'readlink /etc/localtime | grep -Fx /usr/share/zoneinfo/Etc/UTC && test -e /usr/share/zoneinfo/Etc/UTC'
}

# cron takes up /etc/cron.d/cleanup
verify_cron_takes_up_etc_cron_d_cleanup() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/cleanup &&
        find /etc/cron.d/cleanup -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/cleanup)" |
        grep -E "/etc/cron.d/cleanup([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# cron takes up /etc/cron.d/mirror
verify_cron_takes_up_etc_cron_d_mirror() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/mirror &&
        find /etc/cron.d/mirror -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/mirror)" |
        grep -E "/etc/cron.d/mirror([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# cron takes up /etc/cron.d/poll
verify_cron_takes_up_etc_cron_d_poll() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/poll &&
        find /etc/cron.d/poll -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/poll)" |
        grep -E "/etc/cron.d/poll([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# cron takes up /etc/cron.d/report
verify_cron_takes_up_etc_cron_d_report() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/report &&
        find /etc/cron.d/report -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/report)" |
        grep -E "/etc/cron.d/report([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen jobs$/,/^# END clustergen jobs$/{ s/#.*//; p; }" /etc/hosts | {
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

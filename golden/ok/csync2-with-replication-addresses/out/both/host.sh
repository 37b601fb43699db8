# shellcheck shell=sh disable=SC2016,SC2034,SC2043,SC2154,SC2209
# What both gets. Made by clustergen from cluster.kdl; apply.sh beside it does it, and
# reads these names.

cluster=content
host=both
names='both both.example.net'
addresses='192.0.2.22 2001:db8::22 10.0.0.22 fd00::22'
platform=debian-12
releases=debian:12
package_manager=apt

# In the order in which it is installed: names and keys first, a daemon's main file last. Behind
# a path: what happens to which unit when it changes.
resources() {
    package   cron
    package   csync2
    package   openssl
    package   sqlite3
    package   tzdata
    link      /etc/localtime /usr/share/zoneinfo/Etc/UTC restart cron.service
    block     content /etc/hosts none -
    file      0600 root:root /etc/csync2_content.key none -
    file      0600 root:root /etc/csync2_ssl_key.pem none -
    file      0600 root:root /etc/ssl/app.key none -
    file      0644 root:root /etc/csync2_ssl_cert.pem none -
    file      0644 root:root /etc/ssl/app.crt none -
    where /etc/cloud file      0644 root:root /etc/cloud/cloud.cfg.d/99-clustergen-content.cfg none -
    file      0644 root:root /etc/cron.d/clustergen-csync2 none -
    file      0644 root:root /etc/csync2.cfg none -
    file      0644 root:root /etc/csync2_peers none -
    file      0755 root:root /etc/csync2_sync none -
    file      0644 root:root /etc/systemd/system/csync2.socket restart csync2.socket
    file      0644 root:root /etc/systemd/system/csync2@.service none -
    file      0644 root:root /etc/timezone none -
    ensure    csync2-peers 'csync2 knows its peers by their certificates' none - /etc/csync2_peers
    check     '0 2' 'csync2 -N both-replication -D "$scratch" -L' /etc/csync2_ssl_cert.pem /etc/csync2_ssl_key.pem /etc/csync2_content.key /etc/csync2.cfg
    check     0 'test -e /usr/share/zoneinfo/Etc/UTC' /etc/localtime
    unit      cron.service
    unit      csync2.socket
    step      1/4 csync2-content-first-sync-old destroys 'csync2 `content`: the files of both go to old, and replace what it has under their names'
    step      3/4 csync2-content-first-sync-six destroys 'csync2 `content`: the files of both go to six, and replace what it has under their names'
    verify    '/etc/ssl/app.crt: the certificate does not end within two weeks' 'openssl x509 -noout -checkend 1209600 -in /etc/ssl/app.crt'
    verify    'cron takes up /etc/cron.d/clustergen-csync2' verify_cron_takes_up_etc_cron_d_clustergen_csync2
    need csync2-content-first-sync-old need csync2-content-first-sync-six verify    'csync2 `content`: every peer answers and holds the same files' '/etc/csync2_sync --alike content'
    verify    'csync2 `content`: no path leads over a symbolic link' verify_csync2_content_no_path_leads_over_a_symbolic_link
    need csync2-content-first-sync-old need csync2-content-first-sync-six verify    'csync2: this host and its peers know each other by their certificates' '/etc/csync2_sync --agree'
    verify    'each name of /etc/hosts leads where it says' verify_each_name_of_etc_hosts_leads_where_it_says
    verify    'no two daemons set the clock' verify_no_two_daemons_set_the_clock
    verify    'the clock is in sync' verify_the_clock_is_in_sync
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

# csync2 `content`: the files of both go to old, and replace what it has under their names
guard_csync2_content_first_sync_old() {
    found=''
    for path in \
        /srv/www \
    ; do
        [ -z "$(find "$path" ! -type d -print -quit 2>/dev/null)" ] || found=1
    done
    [ -n "$found" ] || { echo 'none of its folders has a file yet'; return 1; }
}

# csync2 `content`: the files of both go to old, and replace what it has under their names
run_csync2_content_first_sync_old() {
    # nothing of the crontab's meanwhile
    exec 9>/run/clustergen-csync2.lock
    flock -w 600 9 || { echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }
    # what has changed is marked for all, while all are known
    csync2 -N both-replication -G content -cr /
    # the configuration of this step: these two alone, and auto is none
    export CSYNC2_SYSTEM_DIR="$files"
    ln -s /etc/csync2_ssl_cert.pem /etc/csync2_ssl_key.pem "$files"
    csync2 -N both-replication -G content -rm /
    give="csync2 -N both-replication -G content -P old-replication -ruv /"
    $give || { csync2 -N both-replication -G content -F -rm / && $give; }
}

# csync2 `content`: the files of both go to old, and replace what it has under their names
proof_csync2_content_first_sync_old() {
    found=''
    for path in \
        /srv/www \
    ; do
        [ -z "$(find "$path" ! -type d -print -quit 2>/dev/null)" ] || found=1
    done
    [ -n "$found" ] || { echo 'none of its folders has a file yet'; return 1; }
    exec 9>/run/clustergen-csync2.lock
    flock -w 600 9 || { echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }
    csync2 -N both-replication -G content -cr /
    came=$(csync2 -N both-replication -G content -T both-replication old-replication) || [ $? -eq 2 ] || return 1
    ! printf '%s\n' "$came" | grep -q '^[LX]'
}

# csync2 `content`: the files of both go to six, and replace what it has under their names
guard_csync2_content_first_sync_six() {
    found=''
    for path in \
        /srv/www \
    ; do
        [ -z "$(find "$path" ! -type d -print -quit 2>/dev/null)" ] || found=1
    done
    [ -n "$found" ] || { echo 'none of its folders has a file yet'; return 1; }
}

# csync2 `content`: the files of both go to six, and replace what it has under their names
run_csync2_content_first_sync_six() {
    # nothing of the crontab's meanwhile
    exec 9>/run/clustergen-csync2.lock
    flock -w 600 9 || { echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }
    # what has changed is marked for all, while all are known
    csync2 -N both-replication -G content -cr /
    # the configuration of this step: these two alone, and auto is none
    export CSYNC2_SYSTEM_DIR="$files"
    ln -s /etc/csync2_ssl_cert.pem /etc/csync2_ssl_key.pem "$files"
    csync2 -N both-replication -G content -rm /
    give="csync2 -N both-replication -G content -P six-replication -ruv /"
    $give || { csync2 -N both-replication -G content -F -rm / && $give; }
}

# csync2 `content`: the files of both go to six, and replace what it has under their names
proof_csync2_content_first_sync_six() {
    found=''
    for path in \
        /srv/www \
    ; do
        [ -z "$(find "$path" ! -type d -print -quit 2>/dev/null)" ] || found=1
    done
    [ -n "$found" ] || { echo 'none of its folders has a file yet'; return 1; }
    exec 9>/run/clustergen-csync2.lock
    flock -w 600 9 || { echo 'a run of the crontab is at work, for ten minutes at least'; return 1; }
    csync2 -N both-replication -G content -cr /
    came=$(csync2 -N both-replication -G content -T both-replication six-replication) || [ $? -eq 2 ] || return 1
    ! printf '%s\n' "$came" | grep -q '^[LX]'
}

# cron takes up /etc/cron.d/clustergen-csync2
verify_cron_takes_up_etc_cron_d_clustergen_csync2() {
    stat -c "%A %U, %h names: %n" /etc/cron.d/clustergen-csync2 &&
        find /etc/cron.d/clustergen-csync2 -maxdepth 0 -type f -user root -links 1 ! -perm /022 | grep -q . &&
        ! journalctl -q -u cron.service --since "@$(stat -c %Z /etc/cron.d/clustergen-csync2)" |
        grep -E "/etc/cron.d/clustergen-csync2([^A-Za-z0-9_-]|$)" |
        grep -v -e RELOAD -e CMD
}

# csync2 `content`: no path leads over a symbolic link
verify_csync2_content_no_path_leads_over_a_symbolic_link() {
    for path in \
        /srv/www \
    ; do
        # of what is not there, or not there yet, there is nothing to say
        [ -e "$path" ] || [ -L "$path" ] || continue
        real=$(readlink -f "$path")
        [ "$real" = "$path" ] || { echo "$path is ${real:-nothing}"; exit 1; }
    done
}

# each name of /etc/hosts leads where it says
verify_each_name_of_etc_hosts_leads_where_it_says() {
    sed -n "/^# BEGIN clustergen content$/,/^# END clustergen content$/{ s/#.*//; p; }" /etc/hosts | {
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

# --- what a host hands over to who builds -----------------------------------------------------

# tell_host_keys: the lines of the description that have this host's secrets sealed.
tell_host_keys() {
    lost_half=''
    for kind in ed25519 rsa; do
        identity=$root/etc/ssh/ssh_host_${kind}_key
        [ -f "$identity" ] || continue
        half=$(kind=ssh-$kind awk '$1 == ENVIRON["kind"] && $2 ~ /^[A-Za-z0-9+\/=]+$/ { print $1, $2; exit }' "$identity.pub" 2>/dev/null) || :
        [ -n "$half" ] || { lost_half=$identity; continue; }
        say "ssh-host-key \"$half\""
        printf '"%s"\n' "$half" >>"$work/host_keys"
    done
    [ ! -s "$work/host_keys" ] || return 0
    [ -z "$lost_half" ] || fail "$lost_half.pub is not here, or not what it should be: ssh-keygen -y -f $lost_half >$lost_half.pub makes it"
    fail "this host has no SSH key that secrets can be sealed for, ed25519 or RSA: make one with ssh-keygen -A"
}

# `born NAME PATH [base64|tar [EXCEPT...]]` in host.sh is a secret that somebody else's installer makes on
# this host, and `born_to RECIPIENT...` says for whom it can be encrypted on its way to the vault
# (age(1)). The step `export` makes a tar of them, a file NAME for each, which `clustergen import` reads.

# births NAME PATH [text|base64|tar [EXCEPT...]]: a line of what is to be handed over; the names of files
# that stay here are in a list beside it.
births() {
    printf '%s\t%s\t%s\n' "$1" "$2" "${3:-text}" >>"$work/births"
    [ $# -lt 4 ] || { of=$work/except.$1; shift 3; printf '%s\n' "$@" >"$of"; }
}

# list_export: a line among the steps, where something is born.
list_export() {
    born_here=$(cut -f1 "$work/births" | tr '\n' ' ')
    [ -z "$born_here" ] || list_step - export keeps "hand over the secrets that are made here: ${born_here% }"
}

# born_files NAME PATH: sets chosen, a list of the files in a folder that go; in the order of their
# names, so that the same ones are the same value.
born_files() {
    chosen=$work/chosen.$1
    (cd "$2" && find . -type f | LC_ALL=C sort) >"$chosen"
    while read -r other; do
        while IFS= read -r one; do
            # shellcheck disable=SC2254  # a pattern
            case ${one##*/} in $other) ;; *) printf '%s\n' "$one" ;; esac
        done <"$chosen" >"$chosen.rest"
        mv -f "$chosen.rest" "$chosen"
    done <"$work/except.$1"
}

# is_born NAME PATH text|base64|tar: the installer has made it.
is_born() {
    case $3 in
        tar) [ -d "$2" ] && born_files "$1" "$2" && [ -s "$chosen" ] ;;
        *) [ -f "$2" ] && [ -s "$2" ] ;;
    esac
}

# value_born PATH text|base64|tar: as it goes to the vault, where values are text.
value_born() {
    case $2 in
        tar)
            tar -cf "$work/folder" -C "$1" -T "$chosen"
            base64 <"$work/folder"
            ;;
        base64) base64 <"$1" ;;
        *) cat "$1" ;;
    esac
}

# export_born: all of them, in a file that root alone can read, or nothing.
export_born() {
    absent=''
    mkdir "$work/born"
    command -v tar >/dev/null 2>&1 || fail "tar, which packs the secrets, is not here: install the package tar"
    while IFS=$tab read -r name path form; do
        [ -f "$work/except.$name" ] || : >"$work/except.$name"
        if is_born "$name" "$root$path" "$form"; then
            doing="reading $path"
            value_born "$root$path" "$form" >"$work/born/$name"
        else
            absent="$absent $path"
        fi
    done <"$work/births"
    [ -z "$absent" ] || fail "not here, or empty:$absent: run the installer that makes them first; nothing was exported"
    doing='packing the secrets'
    # shellcheck disable=SC2046  # names of secrets
    tar -cf "$work/export" -C "$work/born" $(cut -f1 "$work/births")
    exported=$state/export/$host.tar
    if [ -s "$work/recipients" ] && command -v age >/dev/null 2>&1; then
        alone age -R "$work/recipients" "$work/export" >"$work/encrypted" || fail "age could not encrypt the secrets: see above; nothing was exported"
        mv -f "$work/encrypted" "$work/export"
        exported=$exported.age
    fi
    doing="writing $exported"
    mkdir -p "$state/export"
    mv -f "$work/export" "$exported"
    doing=''
    keep_log
    case $exported in
        *.age)
            rm -f "${exported%.age}"
            say "export: the secrets that are made here lie in $exported, encrypted"
            ;;
        *)
            rm -f "$exported.age"
            say "export: the secrets that are made here lie in $exported, not encrypted: treat it as a private key"
            ;;
    esac
    say "carry it to where the description lies, say clustergen import $host ${exported##*/} there, and remove it here"
    mark_done export
}

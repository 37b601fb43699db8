# --- rehearsing -------------------------------------------------------------------------------

# A rehearsal installs the same files in the same way, but in a mount namespace of its own, on
# overlays of the folders that they go to: there each checker sees them at their final paths, and
# nobody else does. It needs unshare and overlayfs; where one of them does not work, the checkers
# run when the files are in place, and before anything takes them up.

# rehearse: refused holds what says that the new files are wrong. Fails where it cannot be done.
rehearse() {
    rehearsed='' judged=''
    at=judged
    resources
    # what is made by a program is not there yet
    [ -n "$judged" ] && ! grep -q "^made$tab" "$work/changed" || return 1
    folders >"$work/folders" || return 1
    command -v unshare >/dev/null 2>&1 || return 1
    view=/run/clustergen.$$
    mkdir "$view" 2>/dev/null || return 1
    if set_stage 2>/dev/null; then
        alone unshare -m sh "$engine" --rehearse "$view" "$bundle" >"$view/said" 2>&1 || :
    fi
    if [ -e "$view/done" ]; then
        rehearsed=1
        refused=$(cat "$view/refused")
        [ -z "$refused" ] || cat "$view/said" >&2
    fi
    rm -rf "$view"
    [ -n "$rehearsed" ]
}

# set_stage: fails where there is no room in memory.
set_stage() {
    mkdir "$view/run" "$view/layer" &&
        cp "$work/changed" "$work/record" "$work/folders" "$view/run" &&
        ln -s "$work/new" "$view/run/new"
}

# folders: the folders that are there and into which something is installed, but for those below
# another of them. Fails where an overlay would hide what is mounted there.
folders() {
    awk -F '\t' '$6 ~ "^/" { sub("/[^/]*$", "", $6); if (!seen[$6]++) print $6 }' "$work/changed" | while IFS= read -r path; do
        while [ -n "$path" ] && [ ! -d "$path" ]; do path=${path%/*}; done
        (cd -P -- "${path:-/}" && pwd)
    done | sort -u | awk '
        BEGIN { while ((getline line < "/proc/self/mountinfo") > 0) { split(line, part, " "); mounts[part[5]] } }
        $0 == "/" { exit 1 }
        above != "" && index($0, above "/") == 1 { next }
        { above = $0; for (at in mounts) if (index(at, $0 "/") == 1) exit 1; print }'
}

# on_stage: the other side of `rehearse`, in the namespace.
on_stage() {
    work=$view/run
    mkdir -p "$work/scratch"
    mount --make-rprivate /
    number=0
    while IFS= read -r folder; do
        number=$((number + 1))
        mkdir "$view/layer/$number" "$view/layer/$number.work"
        chmod --reference="$folder" "$view/layer/$number"
        chown --reference="$folder" "$view/layer/$number"
        mount -t overlay overlay -o "lowerdir=$folder,upperdir=$view/layer/$number,workdir=$view/layer/$number.work" "$folder"
    done <"$work/folders"
    install_files
    at=check
    resources
    printf '%s' "$refused" >"$view/refused"
    : >"$view/done"
}

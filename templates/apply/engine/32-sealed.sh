# --- values that came sealed ------------------------------------------------------------------

# secrets.age in the bundle is a tar of the values, each a file named by its token, encrypted to this
# host's SSH keys (age-encryption.org/v1). A blob is data from elsewhere: what its tar says of paths,
# links and modes is not done. A value is the bytes that it has under a token's name.

# unseal TOKEN: sets value, as value_of does. Who only looks opens nothing.
unseal() {
    [ -n "$changes" ] && [ -f "$bundle/secrets.age" ] || return 1
    [ -f "$work/sealed/all" ] || open_sealed
    value=$work/sealed/$1
    tar -xOf "$work/sealed/all" "$1" >"$value" 2>"$work/said" || grep -q 'ot found in archive' "$work/said" ||
        fail "secrets.age cannot be unpacked: $(head -n 1 "$work/said")$(full)"
    # of what is no file, too, tar prints nothing
    [ -s "$value" ]
}

# open_sealed: by the first of this host's keys that fits. One by one, because age gives up at a key
# of a kind that it does not know, even where another one fits.
open_sealed() {
    listed echo secrets.age
    for opener in age tar; do
        command -v "$opener" >/dev/null 2>&1 ||
            fail "the secrets of this bundle are sealed, and $opener, which opens them, is not here: install the package $opener, or bring their values with clustergen pack"
    done
    others='' unfit='' broken_by=''
    for identity in "$root/etc/ssh/ssh_host_ed25519_key" "$root/etc/ssh/ssh_host_rsa_key"; do
        [ -f "$identity" ] || continue
        [ -r "$identity" ] || fail "secrets.age is opened with $identity, and only root can read that: run this as root"
        if alone age -d -i "$identity" "$bundle/secrets.age" >"$work/sealed/open" 2>"$work/said"; then
            mv -f "$work/sealed/open" "$work/sealed/all"
            return 0
        fi
        why=$(sed -n '1{s/^age: //;s/^[Ee]rror: //;p;}' "$work/said")
        case $why in
            *'no identity matched'*) others=1 ;;
            'reading "'*) unfit=$why ;;
            *) broken_by=${why:-age has not said why} ;;
        esac
    done
    [ -z "$broken_by" ] || fail "secrets.age cannot be opened: $broken_by$(full): copy the bundle here again, or build it again"
    [ -z "$others" ] || fail "secrets.age is sealed for other SSH keys than those of this host: put what apply.sh --host-key says here into the description, and build again"
    fail "secrets.age is opened with this host's SSH key, ed25519 or RSA, and $root/etc/ssh has none that fits${unfit:+ ($unfit)}: make one with ssh-keygen -A, put what apply.sh --host-key says then into the description, and build again"
}

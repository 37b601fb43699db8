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

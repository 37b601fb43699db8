# --- who made it? -----------------------------------------------------------------------------

# A host with a list of allowed signers (ssh-keygen(1), ALLOWED SIGNERS) takes but what one of them
# signed for the namespace `clustergen`. SIGNED has the sums of SHA256SUMS and of the secrets, so all
# that is read of a bundle is judged before a line of host.sh is. The list is this machine's, with
# --root as well: host.sh runs here.
signers=/etc/clustergen/allowed_signers

# signed_bundle: sets signer, where this host wants one.
signed_bundle() {
    if ! wants_signer; then
        [ ! -f "$bundle/SIGNED" ] || unless_look "note: the bundle is signed, and nobody asked by whom: there is no $signers here"
        return 0
    fi
    for file in SIGNED SIGNED.sig; do
        [ -f "$bundle/$file" ] || fail "this host takes only bundles that somebody in $signers signed, and this one has no $file: bring what clustergen pack --sign makes"
    done
    nobody_else_writes "$bundle"
    if [ -d "$secrets" ]; then
        secrets=$(CDPATH='' cd -P -- "$secrets" && pwd)
        nobody_else_writes "$secrets"
    elif [ "$secrets" != "$bundle/secrets" ]; then
        # somebody may make it yet
        fail "$secrets is no folder, so it has no secrets that were signed with the bundle"
    fi
    find_signer
    signed_sums
    unless_look "signed by $signer"
}

# unless_look WORDS: for who installs, or would.
unless_look() { case $mode in apply | dry-run) say "$@" ;; esac; }

# wants_signer: what cannot be looked into may be a list.
wants_signer() {
    folder=${signers%/*}
    [ ! -d "$folder" ] || [ -x "$folder" ] || fail "$folder cannot be looked into, so who may sign is not known: only root can go on"
    [ -e "$signers" ] || [ -L "$signers" ] || return 1
    [ -f "$signers" ] || fail "$signers is no file, so nobody may sign: put that right, or take it away where unsigned bundles are fine"
    [ -r "$signers" ] || fail "$signers cannot be read, so who may sign is not known: only root can go on"
    command -v ssh-keygen >/dev/null 2>&1 || fail "this host takes only signed bundles ($signers), and ssh-keygen, which judges them, is not here (package openssh-client or openssh)"
}

# nobody_else_writes FOLDER: what is judged now is what is read later.
nobody_else_writes() {
    way=$1
    # the mode of a link is everybody's
    open=$(find "$way" ! -user 0 ! -user "$uid" -o -perm -020 -o -perm -002 | head -n 1)
    while [ -z "$open" ] && [ -n "$way" ]; do
        way=${way%/*}
        # out of a folder as /tmp nobody takes what is another's, but for its owner
        open=$(find "${way:-/}" -prune \( ! -user 0 ! -user "$uid" -o ! -perm -1000 \( -perm -020 -o -perm -002 \) \))
    done
    [ -z "$open" ] || fail "others could change the bundle while it is read, so its signature says nothing: $open is a link, or not root's alone to write; unpack it as root in a folder of root's"
}

# find_signer: sets signer, a name in the list by which the signature is good.
find_signer() {
    said=$(keygen check-novalidate 2>&1) || case $said in
        *'unknown option'*) fail "this host takes only signed bundles ($signers), and its ssh-keygen cannot judge them: that takes OpenSSH 8.1" ;;
        *) fail "the signature of the bundle is bad, so bring it again: $said" ;;
    esac
    maker=${said##* } people=$(principals)
    while IFS= read -r signer; do
        ! keygen verify -f "$signers" -I "$signer" >/dev/null 2>&1 || return 0
    done <<END
$people
END
    said=$(printf '%s\n' "$people" | while IFS= read -r name; do
        keygen verify -f "$signers" -I "$name" 2>&1 >/dev/null || :
    done | grep -F "$signers:" | sort -u)
    [ -n "$said" ] || fail "the bundle was signed by the key $maker, which is nobody's in $signers"
    fail "the bundle was signed by the key $maker, and $signers does not let it:
$said"
}

# keygen WORD OPTION...: what ssh-keygen says of the signature.
keygen() {
    word=$1
    shift
    ssh-keygen -Y "$word" -n clustergen -s "$bundle/SIGNED.sig" "$@" <"$bundle/SIGNED"
}

# principals: whom the signature may be of, one a line. find-principals knows those of a certificate;
# but it stops at the first line of a key, whatever that line is for, and of OpenSSH 8.7 (RHEL 9) it
# dies where a line has a namespace, so whoever the list names is tried as well.
principals() {
    ssh-keygen -Y find-principals -f "$signers" -s "$bundle/SIGNED.sig" 2>/dev/null | grep -v '^!' || :
    awk '
        /^[ \t]*(#|$)/ { next }
        { sub(/^[ \t]+/, ""); if (split($0, part, "\"") && part[1] == "") $0 = part[2]; else sub(/[ \t].*/, "") }
        { count = split($0, name, ","); for (i = 1; i <= count; i++) if (name[i] !~ /^!/) print name[i] }' "$signers"
}

# signed_sums: it was this bundle that was signed. A secret may be left out: it came before.
signed_sums() {
    is_signed "$bundle/SHA256SUMS" SHA256SUMS ||
        fail "the bundle is not the one that $signer signed: SIGNED is of other files. Copy the whole of it here again"
    for value in "$secrets"/CGSECRET_*; do
        [ ! -f "$value" ] || is_signed "$value" "secrets/${value##*/}" ||
            fail "$value is not what $signer signed: bring the secrets that were packed with this bundle"
    done
}

# is_signed FILE NAME: SIGNED has its sum.
is_signed() { [ -f "$1" ] && grep -Fqx -e "$(sum "$1")  $2" "$bundle/SIGNED"; }

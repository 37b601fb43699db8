# Where the directories are oxAuth looks up by itself; where the cache is, each application reads when it starts,
# and never again.
sum=$(awk '/^[^ ]/ { own = /^oxCacheConfiguration/ } own' "$work/old.ldif" | sha256sum)
known="$root/etc/gluu/clustergen-cache"
if [ ! -e "$known" ] || [ "$(cat "$known")" != "$sum" ]; then
    [ "$to" = change ] || { echo "Gluu's applications have not read yet where their cache is"; exit 1; }
    restart oxauth identity idp scim fido2 casa
    echo "$sum" >"$known"
fi

# What Gluu is told lies in its directory, once for all nodes: only what is ours is changed.
password=-
[ "$cached" = no ] || password=$inside/password
# shellcheck disable=SC2086  # several servers
"$run" "$python" "$inside/configure.py" "$inside/old.ldif" "$cache" "$password" $servers >"$work/new.ldif"
if [ -s "$work/new.ldif" ]; then
    [ "$to" = change ] || { echo 'Gluu is not told what the description says of its cache, its directories and its keys'; exit 1; }
    tool ldapmodify <"$work/new.ldif" >"$work/said"
    configuration
fi

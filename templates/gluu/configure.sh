# What Gluu is told lies in its directory, once for all nodes: only what is ours is changed.
# shellcheck disable=SC2086  # several servers
"$run" "$python" "$inside/configure.py" "$inside/old.ldif" "$inside/cache" "$cache" $servers >"$work/new.ldif"
if [ -s "$work/new.ldif" ]; then
    [ "$to" = change ] || { echo 'Gluu is not told where its cache and its directories are'; exit 1; }
    tool ldapmodify <"$work/new.ldif" >"$work/said"
    configuration
fi

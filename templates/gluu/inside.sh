# What reads Gluu's files works in its container, in a folder that only root can see. $to is `look`, which says
# what is not so, or `change`.
umask 077
work=$(mktemp -d "$root/root/clustergen.XXXXXX")
trap 'rm -rf "$work"' EXIT
inside=${work#"$root"}
cp "$files"/* "$work"

# of NAME: what the properties of Gluu's directory say; decoded NAME, as Gluu's own program undoes it.
of() { sed -n "s/^$1: *//p" "$root/etc/gluu/conf/gluu-ldap.properties"; }
python=$(sed -n '1s/^#!//p' "$root/opt/gluu/bin/encode.py")
decoded() { "$run" "$python" "$inside/decode.py" "$1"; }

# Runs a command in Gluu Server's container, as root there, with the standard input of this one and
# the exit code of the command: gluu-run COMMAND [ARGUMENT...]
set -eu
leader=$(machinectl show -p Leader "$machine" 2>/dev/null | sed -n 's/^Leader=//p')
[ -n "$leader" ] || { echo "gluu-run: Gluu Server's container is not up: gluu-serverd start" >&2; exit 69; }
exec nsenter -t "$leader" -m -u -i -p -r -w -- env -i HOME=/root LC_ALL=C \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    JAVA_HOME=/opt/jre OPENDJ_JAVA_HOME=/opt/jre "$@"

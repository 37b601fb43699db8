# Made by clustergen for gluu[idp]: what is changed here is lost with the next apply.
# What a line of gluu-ldap.properties keeps encoded, in plain. Runs in Gluu's container, with whatever Python
# Gluu's own program has there, 2.7 or 3: that one knows how, but it wants to be told on its command line,
# which everybody on the host can read.
#     decode.py NAME
import sys

ENCODE = '/opt/gluu/bin/encode.py'


def value(name):
    for line in open('/etc/gluu/conf/gluu-ldap.properties'):
        if line.startswith(name + ':'):
            return line.split(':', 1)[1].strip()
    sys.exit('gluu-ldap.properties has no ' + name)


sys.argv = [ENCODE, '-D', value(sys.argv[1])]
exec(compile(open(ENCODE).read(), ENCODE, 'exec'), {'__name__': '__main__'})

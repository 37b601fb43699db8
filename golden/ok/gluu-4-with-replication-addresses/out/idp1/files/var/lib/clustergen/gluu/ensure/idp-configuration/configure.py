# Made by clustergen for gluu[idp]: what is changed here is lost with the next apply.
# What oxAuth and oxTrust are told, as LDIF for ldapmodify; nothing where it is so already. Runs in Gluu's
# container, with whatever Python `encode.py` has there, 2.7 or 3.
#     configure.py OLD.ldif PASSWORD-FILE CACHE SERVER...
# CACHE is where the cache is reached, `-` for none; each SERVER is one of the directory's.
from __future__ import print_function

import base64
import json
import sys

DN = 'ou=configuration,o=gluu'
ENCODE = '/opt/gluu/bin/encode.py'


class Kept:
    def __init__(self):
        self.text = ''

    def write(self, text):
        self.text += text


def encoded(password):
    """As Gluu's own program has it, which knows the salt; a password among its arguments would be seen."""
    shown, given, kept = sys.stdout, sys.argv, Kept()
    sys.stdout, sys.argv = kept, [ENCODE, password]
    try:
        exec(compile(open(ENCODE).read(), ENCODE, 'exec'), {'__name__': '__main__'})
    finally:
        sys.stdout, sys.argv = shown, given
    return kept.text.strip()


def attributes(path):
    """Name and value of each line; a line that goes on begins with a space (RFC 2849)."""
    text = open(path).read().replace('\n ', '')
    for line in text.splitlines():
        name, found, value = line.partition(':')
        if found and value.startswith(':'):
            yield name, base64.b64decode(value[1:].strip()).decode('utf-8')
        elif found:
            yield name, value.strip()


def told_cache(value, redis):
    known = dict(value.get('redisConfiguration') or {}, **redis)
    return dict(value, cacheProviderType='REDIS', redisConfiguration=known)


def told_servers(value, servers):
    """There may be other directories, which are not Gluu's own."""
    if (value.get('config') or {}).get('configId') != 'auth_ldap_server':
        return value
    return dict(value, config=dict(value['config'], servers=servers))


def replaced(name, values, tell):
    """All values of an attribute, where one of them is another than it was."""
    old = values.get(name, [])
    new = [tell(value) for value in old]
    if old == new:
        return []
    text = [base64.b64encode(json.dumps(it, sort_keys=True).encode('utf-8')).decode('ascii') for it in new]
    return ['replace: ' + name] + [name + ':: ' + it for it in text] + ['-']


def main(old, password_file, cache, servers):
    values = {}
    for name, value in attributes(old):
        values.setdefault(name, []).append(json.loads(value) if value.startswith('{') else value)
    lines = []
    if cache != '-':
        password = encoded(open(password_file).read().rstrip('\n'))
        redis = {'redisProviderType': 'STANDALONE', 'servers': cache, 'password': password}
        lines += replaced('oxCacheConfiguration', values, lambda it: told_cache(it, redis))
    lines += replaced('oxIDPAuthentication', values, lambda it: told_servers(it, servers))
    if lines:
        print('\n'.join(['dn: ' + DN, 'changetype: modify'] + lines))


main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])

# Made by clustergen for gluu[idp]: what is changed here is lost with the next apply.
# What oxAuth and oxTrust are told, as LDIF for ldapmodify; nothing where it is so already. Runs in Gluu's
# container, with whatever Python `encode.py` has there, 2.7 or 3.
#     configure.py OLD.ldif CACHE PASSWORD-FILE SERVER...
# CACHE is where the cache is reached, with `-` for its password where there is none any more; each SERVER is
# one of the directory's.
from __future__ import print_function

import base64
import json
import sys

DN = 'ou=configuration,o=gluu'
OXAUTH = 'ou=oxauth,' + DN
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


def entries(path):
    """The values of each attribute, by the entry's name."""
    found = {}
    for name, value in attributes(path):
        if name == 'dn':
            entry = found.setdefault(value.lower().replace(' ', ''), {})
        else:
            entry.setdefault(name, []).append(json.loads(value) if value.startswith('{') else value)
    return found


def with_cache(value, servers, password):
    known = dict(value.get('redisConfiguration') or {})
    known.update(redisProviderType='STANDALONE', servers=servers, password=password)
    return dict(value, cacheProviderType='REDIS', redisConfiguration=known)


def without_cache(value, servers):
    """Who was sent to ours goes back to the directory, as setup.py has it."""
    ours = value.get('cacheProviderType') == 'REDIS' and (value.get('redisConfiguration') or {}).get('servers') == servers
    return dict(value, cacheProviderType='NATIVE_PERSISTENCE') if ours else value


def with_servers(value, servers):
    """There may be other directories, which are not Gluu's own."""
    if (value.get('config') or {}).get('configId') != 'auth_ldap_server':
        return value
    return dict(value, config=dict(value['config'], servers=servers))


def with_common_keys(value):
    """Each node would draw keys of its own, and take those of the others for lost."""
    return dict(value, keyRegenerationEnabled=False)


def replaced(name, entry, tell):
    """All values of an attribute, where one of them is another than it was."""
    old = entry.get(name, [])
    new = [tell(value) for value in old]
    return [] if old == new else replace(name, [json.dumps(it, sort_keys=True) for it in new])


def replace(name, values):
    text = [base64.b64encode(it.encode('utf-8')).decode('ascii') for it in values]
    return ['replace: ' + name] + [name + ':: ' + it for it in text] + ['-']


def main(old, cache, password_file, servers):
    found = entries(old)
    if password_file == '-':
        told = replaced('oxCacheConfiguration', found[DN], lambda it: without_cache(it, cache))
    else:
        password = encoded(open(password_file).read().rstrip('\n'))
        told = replaced('oxCacheConfiguration', found[DN], lambda it: with_cache(it, cache, password))
    told += replaced('oxIDPAuthentication', found[DN], lambda it: with_servers(it, servers))
    keys = replaced('oxAuthConfDynamic', found[OXAUTH], with_common_keys)
    if keys:
        # by which oxAuth sees that it has to read it again
        keys += replace('oxRevision', [str(int(found[OXAUTH]['oxRevision'][0]) + 1)])
    for dn, lines in (DN, told), (OXAUTH, keys):
        if lines:
            print('\n'.join(['dn: ' + dn, 'changetype: modify'] + lines + ['']))


main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])

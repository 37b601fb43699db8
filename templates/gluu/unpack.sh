# In the place of those that setup.py drew here; who owns them is as setup.py has it.
base64 -d <"$files/certificates" >"$files/certificates.tar"
"$run" tar -xf - -C /etc/certs --no-same-owner <"$files/certificates.tar"
"$run" find /etc/certs -type f ! -name 'httpd.*' ! -name 'oxauth-keys.*' -exec chown root:gluu {} +
"$run" find /etc/certs -type f -name 'oxauth-keys.*' -exec chown jetty:jetty {} +
# they read their stores when they start
for unit in oxauth identity idp scim fido2 passport casa; do
    if "$run" systemctl -q is-active "$unit" 2>/dev/null; then "$run" systemctl restart "$unit"; fi
done

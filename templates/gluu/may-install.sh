# Where setup.py has run, another run would draw everything anew.
"$run" test -x "$setup/setup.py" ||
    { echo 'install the package of Gluu Server, and say gluu-serverd start'; exit 1; }
if "$run" test -e /etc/gluu/conf/gluu.properties; then echo 'setup.py has run here before'; exit 1; fi

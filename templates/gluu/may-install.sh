# Where setup.py has run, another run would draw everything anew. It keeps its answers at its very end.
"$run" test -x "$setup/setup.py" ||
    { echo 'install the package of Gluu Server, and say gluu-serverd start'; exit 1; }
if "$run" test -s "$setup/$answers"; then echo 'setup.py has run here before'; exit 1; fi
if "$run" test -e /etc/gluu/conf/gluu.properties; then
    echo "setup.py began here and did not come to its end: see setup_error.log in $root$setup; then install the package anew, as setup.py wants it"
    exit 1
fi

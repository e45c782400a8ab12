#!/bin/sh
# make_database.sh NAME: a database and its owner of the same name. The password is made here and stays here, in a file
# that the server's first user reads.
set -eu
name=$1
secret=/home/debian/database-password.txt
ask() { runuser -u postgres -- psql --no-psqlrc --tuples-only --no-align --quiet --command "$1"; }
if [ -z "$(ask "SELECT 1 FROM pg_roles WHERE rolname = '$name'")" ]; then
    umask 077
    head -c 24 /dev/urandom | base64 | tr -d '/+=\n' > "$secret.new"
    # psql reads the statement from its input: the password is in no argument.
    printf "CREATE ROLE \"%s\" LOGIN PASSWORD '%s';\n" "$name" "$(cat "$secret.new")" |
        runuser -u postgres -- psql --no-psqlrc --quiet --set ON_ERROR_STOP=1
    chown debian: "$secret.new"
    mv "$secret.new" "$secret"
    echo made: role
fi
if [ -z "$(ask "SELECT 1 FROM pg_database WHERE datname = '$name'")" ]; then
    runuser -u postgres -- createdb --owner "$name" "$name"
    echo made: database
fi

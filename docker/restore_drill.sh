#!/usr/bin/env bash
# Prove that a backup can be restored: dump a PostgreSQL database, restore it into an empty one, and compare the two.
#   docker/restore_drill.sh postgresql://USER:PASSWORD@HOST/NAME postgresql://USER:PASSWORD@HOST/EMPTY
# Needs pg_dump, pg_restore, and psql of the server's version or a newer one, and cds-service. It changes nothing in the
# first database, but compares it as it is by then: stop the service, or compare with a standby that is held. The second
# database keeps the copy: drop it afterwards.
set -euo pipefail
if [ $# -ne 2 ]; then
    sed -n '3s/^# *//p' "$0" >&2
    exit 2
fi
source=$1 copy=$2
dump=$(mktemp -d)
trap 'rm -rf "$dump"' EXIT

ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 "$@"; }
tables="SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"

if [ -n "$(ask --dbname="$copy" --command="$tables")" ]; then
    echo "The second database is not empty: name another one." >&2
    exit 1
fi

echo "dump"
begun=$SECONDS
pg_dump --format=custom --file="$dump/backup" --dbname="$source"
echo "  $(du -k "$dump/backup" | cut -f1) kB in $((SECONDS - begun)) s"

echo "restore"
begun=$SECONDS
pg_restore --exit-on-error --no-owner --no-privileges --dbname="$copy" "$dump/backup"
echo "  $((SECONDS - begun)) s"

echo "compare"
for table in $(ask --dbname="$copy" --command="$tables"); do
    digest="SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM \"$table\" t"
    was=$(ask --dbname="$source" --command="$digest")
    is=$(ask --dbname="$copy" --command="$digest")
    if [ "$was" != "$is" ]; then
        echo "  $table: $was before, $is after" >&2
        exit 1
    fi
    echo "  $table: ${is%% *} rows"
done

echo "the guards of the decision log"
if ask --dbname="$copy" --command="UPDATE decisions SET status = status" 2>"$dump/refused"; then
    if [ "$(ask --dbname="$copy" --command='SELECT count(*) FROM decisions')" != 0 ]; then
        echo "  decisions can be changed" >&2
        exit 1
    fi
    echo "  not tried: there is no decision"
else
    echo "  a change of a decision is refused"
fi

echo "the service"
CDS_DATABASE_URL=$copy cds-service db check | sed 's/^/  /'
was=$(CDS_DATABASE_URL=$source cds-service decisions export --tests | sha256sum)
is=$(CDS_DATABASE_URL=$copy cds-service decisions export --tests | sha256sum)
if [ "$was" != "$is" ]; then
    echo "  the decision logs differ" >&2
    exit 1
fi
echo "  it exports the same decisions"
echo "The backup can be restored."

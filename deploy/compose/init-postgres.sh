#!/usr/bin/env bash
# The image of PostgreSQL runs this once, when it has made the cluster.
set -euo pipefail
psql --quiet --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres -v ON_ERROR_STOP=1 \
  -v migrate_password="$MIGRATE_PASSWORD" -v service_password="$SERVICE_PASSWORD" -f "${ROLES:-/sql/postgres-roles.sql}"

# The image also accepts passwords over connections without TLS.
sed -i -E 's/^host([[:space:]]+all[[:space:]]+all[[:space:]]+all[[:space:]])/hostssl\1/' "$PGDATA/pg_hba.conf"

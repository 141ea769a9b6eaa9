#!/usr/bin/env bash
# firmware/ota/pki.sh: a throw-away CA and a key that signs bundles, in build/image/pki. For tests; products bring
# their own (SPILLWAY_KEYRING, SPILLWAY_SIGNING_CERT, SPILLWAY_SIGNING_KEY), with the key in an HSM or a vault.
set -euo pipefail
pki=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../build/image/pki
mkdir -p "$pki"
cd "$pki"
for who in '' stranger-; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=${who}test firmware CA" \
    -keyout "${who}ca.key" -out "${who}ca.pem.new" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=${who}test firmware signer" \
    -keyout "${who}sign.key" -out "${who}sign.csr" 2>/dev/null
  openssl x509 -req -in "${who}sign.csr" -CA "${who}ca.pem.new" -CAkey "${who}ca.key" -days 3650 -out "${who}sign.pem" 2>/dev/null
  mv "${who}ca.pem.new" "${who}ca.pem"
done

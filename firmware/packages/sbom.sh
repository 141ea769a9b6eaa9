#!/usr/bin/env bash
# sbom.sh NAME VERSION ARCHITECTURE EPOCH FACTS "PACKAGE (>= …), …": an SPDX 2.3 document on stdout. FACTS holds
# what the package database says, a line each: name, version, source, its version, architecture.
set -euo pipefail
name=$1 version=$2 architecture=$3 epoch=$4 facts=$5 depends=$6
json() { printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'; }
created=$(date -ud "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
cat <<JSON
{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "$name-$version-$architecture",
 "documentNamespace": "urn:spillway:$name:$version:$architecture",
 "creationInfo": {"created": "$created", "creators": ["Tool: spillway-sbom"]},
 "packages": [
  {"SPDXID": "SPDXRef-0", "name": "$name", "versionInfo": "$version", "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
   "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION"}
JSON
relations='{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-0"}'
number=0
for package in $(printf '%s' "$depends" | tr ',' '\n' | sed 's/(.*//; s/ //g' | sort -u); do
  line=$(awk -F'\t' -v name="$package" '$1 == name { print; exit }' "$facts")
  [ -n "$line" ] || line=$(printf '%s\tNOASSERTION\t%s\tNOASSERTION\t%s' "$package" "$package" "$architecture")
  IFS=$'\t' read -r _ found source source_version arch <<<"$line"
  number=$((number + 1))
  printf '  ,{"SPDXID": "SPDXRef-%d", "name": "%s", "versionInfo": "%s", "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n' \
    "$number" "$(json "$package")" "$(json "$found")"
  printf '   "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", "sourceInfo": "%s %s",\n' \
    "$(json "$source")" "$(json "$source_version")"
  printf '   "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/%s@%s?arch=%s"}]}\n' \
    "$(json "$package")" "$(json "${found//+/%2B}")" "$arch"
  relations+=", {\"spdxElementId\": \"SPDXRef-0\", \"relationshipType\": \"DEPENDS_ON\", \"relatedSpdxElement\": \"SPDXRef-$number\"}"
done
printf ' ],\n "relationships": [%s]}\n' "$relations"

#!/usr/bin/env bash
# Installs what the tests run from Debian, if it is missing: a browser, the
# database server, and the public tools that must agree with our verifier.
#
#   api/deploy/debian-packages.sh            # install what is missing
#   api/deploy/debian-packages.sh --browser  # only what the demonstration needs
#   api/deploy/debian-packages.sh --list     # print the names
set -euo pipefail
browser=(
  chromium             # the browser of the end-to-end tests
  fonts-noto-cjk fonts-dejavu-core
)
packages=(
  "${browser[@]}"
  chromium-headless-shell # the same browser for the tests of single pages
  postgresql           # the second database; a private cluster, never a system one
  poppler-utils        # pdfsig, pdftoppm
  qpdf mupdf-tools     # independent readers of our PDFs
  ffmpeg               # ffprobe and a decoder for the selfie video
  openssl unzip        # what VERIFY.txt tells people to use
  libxml2-utils        # xmllint, against ETSI's schema
  libbcpkix-java default-jdk-headless # Bouncy Castle, an independent reader of evidence records
  softhsm2             # a PKCS #11 token
  zip git
)
if [ "${1:-}" = --browser ]; then packages=("${browser[@]}"); fi
if [ "${1:-}" = --list ]; then printf '%s\n' "${packages[@]}"; exit 0; fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "These Debian packages are missing and you are not root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
# The server must not start a cluster of its own.
"${as_root[@]}" mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"

#!/bin/sh
# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints request tokens made by openssl and bc alone, as tab-separated lines:
# csr_format, AuthKey, timestamp, the string that is hashed (line ends as \r and \n), token.
# Run: sh tests/vectors/request_tokens.sh > tests/vectors/request_tokens.tsv

set -eu

# A 2048-bit RSA key, a P-256 key, and an Ed25519 key with an empty subject (so short that its DER length has one byte).
rsa='-----BEGIN CERTIFICATE REQUEST-----
MIICfjCCAWYCAQAwOTEYMBYGA1UEAwwPd3d3LmV4YW1wbGUuY29tMRAwDgYDVQQK
DAdFeGFtcGxlMQswCQYDVQQGEwJERTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
AQoCggEBAK/SjogLR+Dt0SCYIx6lSrKg6cw2Lp6bt2oLGKI4byPUNDym1YHYfIQm
+QHb1X63qcS0fWfRq2BaoKfjHa6b0F/KF7/ioO8Q4VUKpoudy3FviXBOO6Ly/gT5
20giomv9IMKrRUS89ZkG4ke5s95LVbRjAEGFihdP16JFM/JAU5KG77tAo3yFvWhJ
eSj+tjWa7N6duxuvFov75Da9ij3gx9n5emZuFQN4GGI0Xl8zNFUEofCcutEgAh1F
aW5dgzqie88Sq3SrsVDwQPQB6bHfReosp33vHEfMxdLLJ47nGn0eDW5kxvZjpmEh
4HcDylMdVEcK+dZNOLtv1P35ik0nvT8CAwEAAaAAMA0GCSqGSIb3DQEBCwUAA4IB
AQAWA3befPnZij19aoRPb2PfYDKZvkXl+Z5hXxcRlf0DAWag9h+rruWJu4by+9sW
dru3Wl/glkuuF1gFpOMMd2czAyRFUYD9GAr8fQbVCmkJ4NIIFUp02rCBokfPyZyx
wjjSl3t4fVJ5bCBXMVNekK/2l4w5IlMnEOL5z5A1ulx2oCR8N82Y2idMKHysjxUn
5gbGg1fCF7yqC1l8W5wgDKOllrQyvJGd4Q33xtfOGgBymcrefmYdIIir317d3QOJ
m1RQZCMYZ8aSd+W0Ivt5N9RXK4uZQ+GYwO/s14STRpw4pcrL9MxJ3FqDegWy4bu7
NRp1rAcHEM9IS+cvOybkBO7J
-----END CERTIFICATE REQUEST-----'
p256='-----BEGIN NEW CERTIFICATE REQUEST-----
MIIBDjCBtgIBADAaMRgwFgYDVQQDDA93d3cuZXhhbXBsZS5jb20wWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAAQYj0Yb1vfbFwMlVCQBtqNUmKAc5bDbZrwyYaaDjkiY
2M2WKoHn2M7Dy2M/vmlQfEic0ytC285CyAYo7cFwu6yxoDowOAYJKoZIhvcNAQkO
MSswKTAnBgNVHREEIDAegg93d3cuZXhhbXBsZS5jb22CC2V4YW1wbGUuY29tMAoG
CCqGSM49BAMCA0cAMEQCIHCca4pBk+k9K8ydEjTW3zcVRd8Jn1iOFnyYVuaq4Jpk
AiAKRIxhjs6FnOUdFpxIiKEv6/WB9C/K/3DR/KxYuR+jbA==
-----END NEW CERTIFICATE REQUEST-----'
ed25519='-----BEGIN CERTIFICATE REQUEST-----
MH8wMwIBADAAMCowBQYDK2VwAyEArWxYjsFcWu4omY5WWQrbRlleDsTOUXiBgkqx
LHwawt6gADAFBgMrZXADQQA2mD8XGDM1omIcXjZ2aCJQVFbByKIojc4WRjoXkAg+
wS5jNLD28ut63TvRU+N+siSQH+T2l2Sfp3sM3h3U8n0J
-----END CERTIFICATE REQUEST-----'

body() { # PEM text -> base64 body on one line
    printf '%s' "$1" | sed '/^-----/d' | tr -d '\r\n'
}

base36() { # hex -> 50 digits
    echo "obase=36; ibase=16; $(printf '%s' "$1" | tr 'a-f' 'A-F')" | BC_LINE_LENGTH=0 bc | awk '{
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"
        for (i = 1; i <= NF; i++) number = number substr(digits, $i + 1, 1)
        while (length(number) < 50) number = "0" number
        print number
    }'
}

vector() { # csr_format, AuthKey, timestamp, file with the string that is hashed
    hex=$(printf '%s' "$2" | od -An -v -tx1 | tr -d ' \n')
    digest=$({ printf '%s' "$3"; cat "$4"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -r | cut -d ' ' -f 1)
    escaped=$(awk '{ gsub("\r", "\\r"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }' "$4")
    if [ -n "$(tail -c 1 "$4")" ]; then end=; else end='\n'; fi
    printf '%s\t%s\t%s\t%s%s\t%s%s\n' "$1" "$2" "$3" "$escaped" "$end" "$3" "$(base36 "$digest")"
}

vectors() { # PEM text
    for key in 1f3870be274f6c49b3e31a0c6728957f 'Schlüssel 鍵 "$&|'"'" x "$long"; do
        for timestamp in 20261101000333 20261101045610 20241231235959 20280229000000; do
            body "$1" > "$work/csr"
            vector base64 "$key" "$timestamp" "$work/csr"
        done
        printf '%s' "$1" > "$work/csr"
        vector pem "$key" 20261101000333 "$work/csr"
        printf '%s\n' "$1" > "$work/csr"
        vector pem "$key" 20261101000333 "$work/csr"
        printf '%s\n' "$1" | sed "s/\$/$(printf '\r')/" > "$work/csr"
        vector pem "$key" 20261101000333 "$work/csr"
        printf '%s' "$1" | tr -d '\n' > "$work/csr"
        vector pem_line "$key" 20261101000333 "$work/csr"
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# HMAC hashes a key that is longer than the 64 bytes of a SHA-256 block first.
long=$(printf '%0100d' 7)

sed -n '2,4p' "$0"
echo '# Made by request_tokens.sh.'
for csr in "$rsa" "$p256" "$ed25519"; do
    vectors "$csr"
done

package deposit

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// bagit is bagit.txt (RFC 8493, section 2.1.1).
const bagit = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// bagManifest is manifest-sha256.txt: what sha256sum -c reads.
func bagManifest(payload []Part) []byte {
	var b bytes.Buffer
	for _, p := range payload {
		fmt.Fprintf(&b, "%s  %s\n", p.SHA256, p.Path)
	}
	return b.Bytes()
}

// bagInfo is bag-info.txt (RFC 8493, section 2.2.2).
func bagInfo(info Info, payload []Part) []byte {
	var total int64
	for _, p := range payload {
		total += p.Size
	}
	var b bytes.Buffer
	for _, line := range [][2]string{
		{"Source-Organization", info.Service},
		{"External-Identifier", info.ID},
		{"External-Description", info.Title},
		{"Bagging-Date", info.Sealed.Format(time.DateOnly)},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", total, len(payload))},
		{"Inkwitness-Sealed", info.Sealed.Format(time.RFC3339)},
		{"Inkwitness-Ends", info.Ends.Format(time.RFC3339)},
	} {
		fmt.Fprintf(&b, "%s: %s\n", line[0], oneLine(line[1]))
	}
	return b.Bytes()
}

// oneLine keeps a title from starting a line of its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// verifyText is VERIFY.txt. The commands are run by a test as they stand here.
func verifyText(info Info) []byte {
	at := info.Sealed.Unix()
	return fmt.Appendf(nil, `HOW TO VERIFY THIS DEPOSIT WITHOUT US

Deposit    %s
Title      %s
Sealed     %s
Kept until %s

The quick way: inkverify FILE.asice
(one program, no network; it says point by point what holds)

With public tools, step by step. FILE.asice is this container.

1. Unpack it. Nothing may be reported as damaged.

      unzip -t FILE.asice
      unzip -q FILE.asice -d deposit
      cd deposit

2. Every file is what the list of files says.

      sha256sum -c manifest-sha256.txt

3. The list of files is the one that was signed. This prints 1.

      grep -F -c "$(openssl dgst -sha256 -binary manifest-sha256.txt | base64)" META-INF/ASiCManifest001.xml

4. The signature over the list is good. -attime is the time of the seal: the
   certificate was made for this deposit alone and ended soon after.

      openssl cms -verify -binary -cades -inform DER -in META-INF/signature001.p7s -content META-INF/ASiCManifest001.xml -CAfile data/validation/roots.pem -attime %d -out /dev/null

5. The timestamp over the signature is good.

      openssl ts -verify -token_in -in META-INF/timestamp001.tst -data META-INF/ASiCManifest002.xml -CAfile data/validation/roots.pem -attime %d
      grep -F -c "$(openssl dgst -sha256 -binary META-INF/signature001.p7s | base64)" META-INF/ASiCManifest002.xml

   Where an outside authority stamped the same, its token is good too.

      test ! -e META-INF/timestamp002.tst || openssl ts -verify -token_in -in META-INF/timestamp002.tst -data META-INF/ASiCManifest003.xml -CAfile data/validation/roots.pem -attime %d

6. The signatures inside the document are good: "Signature is Valid" of each
   person's. pdfsig does not know the roots of step 7, so it says that the
   issuer is not trusted, and later that the certificate expired; it was valid
   when the timestamp was made. "Not total document signed" stands at all but
   the last one: each is added behind those before it. The last one is an
   archive timestamp (ETSI.RFC3161), which pdfsig cannot check and calls
   unknown or unimplemented; inkverify checks it.

      pdfsig data/contract-signed.pdf

7. Whom this proves it to: steps 4 and 5 trust the roots in
   data/validation/roots.pem, which came with this file. Compare their
   fingerprints with those that the service publishes, and that you noted
   earlier if you can.

      openssl crl2pkcs7 -nocrl -certfile data/validation/roots.pem | openssl pkcs7 -print_certs -noout

8. META-INF/deposit.tlog-proof shows that the seal is in the public log
   %s. inkverify checks it; its format is C2SP tlog-proof.
`, info.ID, oneLine(info.Title), info.Sealed.Format(time.RFC3339), info.Ends.Format(time.DateOnly), at, at, at, info.Log.Origin)
}

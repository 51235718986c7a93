// Package pkcs11 is a trust provider whose keys lie in a hardware security
// module: each signer's key is made in the module, signs there, and is deleted
// there. Certificates come from an Issuer, the local authority as a rule.
//
// It needs cgo and the module's own library, so it is compiled only with the
// build tag pkcs11:
//
//	go build -tags pkcs11 ./...
//	go test -tags pkcs11 ./evidence/trust/pkcs11
//
// The test runs against SoftHSM2, a module in software (Debian: softhsm2).
package pkcs11

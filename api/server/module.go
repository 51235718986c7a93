//go:build pkcs11

package server

import (
	"inkwitness/evidence"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/trust/pkcs11"
)

// openModule signs in at a hardware security module.
func openModule(c providerConfig, pin string, secret []byte, own *trust.Local) (evidence.Provider, error) {
	return pkcs11.Open(pkcs11.Config{Library: c.Library, Token: c.Token, Pin: pin, Issuer: own, Secret: secret, Info: c.info()})
}

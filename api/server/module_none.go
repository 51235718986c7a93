//go:build !pkcs11

package server

import (
	"errors"

	"inkwitness/evidence"
	"inkwitness/evidence/trust"
)

// openModule refuses: this program was built without cgo.
func openModule(providerConfig, string, []byte, *trust.Local) (evidence.Provider, error) {
	return nil, errors.New("this program was built without security modules; build it with: go build -tags pkcs11 ./api/cmd/inkwitness")
}

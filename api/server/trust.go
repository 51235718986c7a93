package server

import (
	"crypto/x509"

	"inkwitness/evidence/deposit"
)

// trusted is what a deposit is checked against when somebody brings it along:
// this service's own roots and log. A deposit of elsewhere names its own, and
// the report says what that proves.
func (s *Server) trusted() deposit.Options {
	pool := x509.NewCertPool()
	for _, root := range s.roots {
		pool.AddCert(root)
	}
	return deposit.Options{Roots: pool, Others: s.otherRoots, Algorithms: s.algorithms, Now: s.clock.Now()}
}

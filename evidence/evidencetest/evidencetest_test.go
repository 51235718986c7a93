package evidencetest

import "testing"

func TestMemoryKeyStore(t *testing.T) { TestKeyStore(t, &KeyStore{}) }

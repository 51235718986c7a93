package evidencetest

import "testing"

func TestMemoryKeyStore(t *testing.T) { TestKeyStore(t, &KeyStore{}) }

func TestMemoryLogStore(t *testing.T) {
	s := &LogStore{}
	TestLogStore(t, s, s.Add)
}

package e2e

import (
	"os"
	"testing"

	"inkwitness/api/store/pgtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	stopShared()
	os.Exit(code)
}

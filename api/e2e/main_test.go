package e2e

import (
	"os"
	"testing"

	"inkwitness/api/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

//go:build !linux

package holder

import (
	"net"
	"os"
)

// peersKnown: here the socket's mode alone keeps other users away.
const peersKnown = false

func peer(*net.UnixConn) (int, error) { return os.Getuid(), nil }

func lock(*os.File) error { return nil }

//go:build !js

package main

import (
	"fmt"
	"os"
)

// main says what this program is for, so that ./... builds everywhere.
func main() {
	fmt.Fprintln(os.Stderr, "inkverify-wasm runs in a browser: build it with GOOS=js GOARCH=wasm. On this machine use inkverify.")
	os.Exit(2)
}

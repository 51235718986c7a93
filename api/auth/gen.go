//go:build ignore

// gen makes common.bin from a list of passwords and words, one to a line:
//
//	go run gen.go < list.txt
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	var all [][]byte
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(lines.Text()))))
		all = append(all, sum[:5])
	}
	slices.SortFunc(all, bytes.Compare)
	all = slices.CompactFunc(all, bytes.Equal)
	if err := os.WriteFile("common.bin", bytes.Join(all, nil), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Package webclient holds the built pages: the signer's, the owner's, the
// investigator's and the public verifier's. Vite writes them to dist; the
// service serves them from the binary. It is not for templates or server code.
package webclient

import "embed"

// Dist is the folder dist as Vite built it. Before the first build it holds
// only .keep, so a caller checks for index.html and says what is missing.
//
//go:embed all:dist
var Dist embed.FS

package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"inkwitness/api"
)

// errNoPages tells an operator who built the program without its pages.
var errNoPages = errors.New("the pages are not built into this program: run make build")

// entries are the pages by their address.
var entries = map[string]string{"/": "index.html", "/sign": "sign.html", "/compare": "compare.html", "/verify": "verify.html"}

// page is one file of the build, held in memory: there are few and they are small.
type page struct {
	kind   string // Content-Type
	plain  []byte
	zipped func() []byte // returns nil where compressing gains nothing
	tag    string
	fixed  bool   // its name holds its hash, so its content never changes
	policy string // Content-Security-Policy, where it holds a script; else the usual one
}

// pages serves the built pages.
type pages map[string]page

func newPages(dist fs.FS) (pages, error) {
	all := pages{}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		content, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		all["/"+name] = newPage(name, content)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	for address, file := range entries {
		p, ok := all["/"+file]
		if !ok {
			return nil, errNoPages
		}
		all[address] = p
	}
	return all, nil
}

func newPage(name string, content []byte) page {
	sum := sha256.Sum256(content)
	// Compressed when it is first asked for: the verifier alone takes half a second,
	// for which no restart must wait.
	zipped := sync.OnceValue(func() []byte { return compress(content) })
	p := page{kind: contentType(name), plain: content, zipped: zipped, tag: `"` + hex.EncodeToString(sum[:16]) + `"`, fixed: strings.HasPrefix(name, "assets/")}
	if script := inPage.FindSubmatch(content); script != nil && path.Ext(name) == ".html" {
		p.policy = api.ContentPolicy(script[1])
	}
	return p
}

// inPage is the script that a page holds itself: it mends the page when every
// file of it was lost, so it cannot be a file.
var inPage = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// compress returns nil where it gains nothing.
func compress(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)                               // a buffer takes everything
	_ = w.Close()
	if b.Len() < len(content)*9/10 {
		return b.Bytes()
	}
	return nil
}

// contentType does not depend on what the machine has registered.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".webmanifest":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".wasm":
		return "application/wasm"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP serves a page or one of its parts.
func (all pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := all[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
		return
	}
	header := w.Header()
	header.Set("Content-Type", p.kind)
	header.Set("ETag", p.tag)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if p.policy != "" {
		header.Set("Content-Security-Policy", p.policy)
	}
	if p.fixed {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := p.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if zipped := p.zipped(); zipped != nil {
			header.Set("Content-Encoding", "gzip")
			body = zipped
		}
	}
	header.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client is gone
	}
}

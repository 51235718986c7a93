package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/felixge/httpsnoop"
)

// BeforeAnswer has fn called with the headers of the answer to the request that ctx
// belongs to, just before they leave; not when the connection becomes a socket. It
// is for an Identifier.
func BeforeAnswer(ctx context.Context, fn func(http.Header)) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.before = fn
	}
}

// beforeHeaders returns w with a call of fn before the headers leave. done is to be
// called when the handler has answered: it may have written nothing.
func beforeHeaders(w http.ResponseWriter, fn func(http.Header)) (hooked http.ResponseWriter, done func()) {
	leaving, hijacked := sync.OnceFunc(func() { fn(w.Header()) }), false
	return httpsnoop.Wrap(w, httpsnoop.Hooks{
			WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
				return func(code int) {
					if code >= 200 { // others are not the answer yet, or 101
						leaving()
					}
					next(code)
				}
			},
			Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
				return func(b []byte) (int, error) { leaving(); return next(b) }
			},
			ReadFrom: func(next httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
				return func(src io.Reader) (int64, error) { leaving(); return next(src) }
			},
			Flush: func(next httpsnoop.FlushFunc) httpsnoop.FlushFunc {
				return func() { leaving(); next() }
			},
			FlushError: func(next httpsnoop.FlushErrorFunc) httpsnoop.FlushErrorFunc {
				return func() error { leaving(); return next() }
			},
			Hijack: func(next httpsnoop.HijackFunc) httpsnoop.HijackFunc {
				return func() (net.Conn, *bufio.ReadWriter, error) { hijacked = true; return next() }
			},
		}), func() {
			if !hijacked {
				leaving()
			}
		}
}

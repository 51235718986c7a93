package main

import (
	"encoding/json"
	"errors"
	"io"
	"syscall/js"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/proof"
)

func main() {
	js.Global().Set("inkverify", js.FuncOf(verify))
	js.Global().Set("inkverifyExplain", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return ""
		}
		return check.Explain(args[0].String())
	}))
	select {} // functions are called from JavaScript from now on
}

// verify is inkverify(size, read, {roots, otherRoots, logKeys}): read(offset, length)
// returns a Uint8Array. It gives the report as a JSON string, or {"error": ...}.
func verify(_ js.Value, args []js.Value) any {
	report, err := fromArguments(args)
	if err != nil {
		out, _ := json.Marshal(map[string]string{"error": err.Error()})
		return string(out)
	}
	out, err := json.Marshal(report)
	if err != nil {
		return `{"error":"report cannot be written"}`
	}
	return string(out)
}

func fromArguments(args []js.Value) (any, error) {
	if len(args) < 2 || args[0].Type() != js.TypeNumber || args[1].Type() != js.TypeFunction {
		return nil, errors.New("usage: inkverify(size, read, {roots, otherRoots, logKeys})")
	}
	trust := check.Trust{Now: time.Now()}
	if len(args) > 2 && args[2].Type() == js.TypeObject {
		if pem := args[2].Get("roots"); pem.Type() == js.TypeString {
			var err error
			if trust.Roots, err = check.Roots([]byte(pem.String())); err != nil {
				return nil, err
			}
		}
		if pem := args[2].Get("otherRoots"); pem.Type() == js.TypeString && pem.String() != "" {
			var err error
			if trust.Others, err = check.Certificates([]byte(pem.String())); err != nil {
				return nil, err
			}
		}
		if keys := args[2].Get("logKeys"); keys.Type() == js.TypeObject {
			for i := range keys.Length() {
				k, err := proof.ParseKey(keys.Index(i).String())
				if err != nil {
					return nil, err
				}
				trust.LogKeys = append(trust.LogKeys, k)
			}
		}
	}
	size := int64(args[0].Float())
	report, err := check.File(readerAt{args[1], size}, size, trust)
	if err != nil {
		return nil, err
	}
	return struct {
		Holds bool `json:"holds"`
		*evidence.Report
	}{report.Holds(), report}, nil
}

// readerAt reads a File of the browser, by a synchronous reader in a worker.
type readerAt struct {
	read js.Value
	size int64
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), r.size-off)
	got := js.CopyBytesToGo(p[:n], r.read.Invoke(float64(off), float64(n)))
	if got < len(p) {
		return got, io.EOF
	}
	return got, nil
}

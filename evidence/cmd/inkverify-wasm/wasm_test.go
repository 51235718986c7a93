package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"inkwitness/evidence/seal/sealtest"
)

// host runs the module as a page's worker does, with Go's own wasm_exec.js.
const host = `
const fs = require("fs");
require(process.argv[2]);
const go = new Go();
const file = fs.readFileSync(process.argv[4]);
WebAssembly.instantiate(fs.readFileSync(process.argv[3]), go.importObject).then(({ instance }) => {
  go.run(instance);
  const read = (offset, length) => new Uint8Array(file.buffer, file.byteOffset + offset, length);
  const good = inkverify(file.length, read, {});
  file[file.length >> 1] ^= 1;
  console.log(JSON.stringify({ good: JSON.parse(good), bad: JSON.parse(inkverify(file.length, read, {})),
    none: JSON.parse(inkverify(3, () => new Uint8Array([1, 2, 3]), {})), usage: JSON.parse(inkverify()), why: inkverifyExplain("deposit.audit") }));
  process.exit(0);
});
`

func TestInNode(t *testing.T) {
	dir := t.TempDir()
	module, script, file := filepath.Join(dir, "inkverify.wasm"), filepath.Join(dir, "host.js"), filepath.Join(dir, "d.asice")
	build := exec.Command("go", "build", "-o", module, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// A page loads the module: what only drawing needs is not in it.
	for _, name := range []string{"DroidSansFallbackFull.ttf", "DroidSansFallback.ttf"} {
		code, err := os.ReadFile(module)
		if err != nil {
			t.Fatal(err)
		}
		font, err := os.ReadFile(filepath.Join("..", "..", "pdf", "font", name))
		if err != nil {
			t.Fatal(err)
		}
		if middle := len(font) / 2; bytes.Contains(code, font[middle:middle+64]) {
			t.Errorf("the module of %d bytes holds %s", len(code), name)
		}
	}
	w := sealtest.New(t)
	if err := os.WriteFile(file, w.Bytes(w.Sealed(1, 1000).Container), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte(host), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	support := filepath.Join(string(root[:len(root)-1]), "lib", "wasm", "wasm_exec.js")
	out, err := exec.Command("node", script, support, module, file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	type report struct {
		Holds  bool
		Checks []struct{ Code string }
		Error  string
	}
	var got struct {
		Good, Bad, None, Usage report
		Why                    string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !got.Good.Holds || len(got.Good.Checks) < 10 || got.Bad.Holds || got.None.Error == "" || got.Usage.Error == "" || got.Why == "" {
		t.Errorf("%s", out)
	}
}

// Command inkverify-wasm is the verifier for a browser: a public page loads it
// and checks a file on the visitor's own machine, without uploading anything.
//
//	GOOS=js GOARCH=wasm go build -o inkverify.wasm ./evidence/cmd/inkverify-wasm
//
// Run it in a worker with Go's wasm_exec.js. It sets two functions:
// inkverify(size, read, trust) and inkverifyExplain(code); see main_js.go.
package main

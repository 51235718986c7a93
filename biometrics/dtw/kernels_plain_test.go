//go:build !(goexperiment.simd && amd64)

package dtw

func kernelsHere() map[string]kernelFunc { return map[string]kernelFunc{"scalar": scalar} }

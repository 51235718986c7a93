package network

// multiplyPlain adds to out, for each place, the weights times the column of that
// place; rows of columns lie stride apart. Four rows at a time, so that out is read
// and written once for four multiplications.
func multiplyPlain(out, columns, weights []float32, stride int) {
	k := 0
	for ; k+4 <= len(weights); k += 4 {
		w0, w1, w2, w3 := weights[k], weights[k+1], weights[k+2], weights[k+3]
		a, b := columns[k*stride:][:len(out)], columns[(k+1)*stride:][:len(out)]
		c, d := columns[(k+2)*stride:][:len(out)], columns[(k+3)*stride:][:len(out)]
		for i := range out {
			out[i] += w0*a[i] + w1*b[i] + w2*c[i] + w3*d[i]
		}
	}
	for ; k < len(weights); k++ {
		w, a := weights[k], columns[k*stride:][:len(out)]
		for i := range out {
			out[i] += w * a[i]
		}
	}
}

//go:build !race

package soak

// patience leaves the limits of time and the number of tries as they are.
const patience = 1

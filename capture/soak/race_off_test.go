//go:build !race

package soak

// patience leaves the limits of time as they are.
const patience = 1

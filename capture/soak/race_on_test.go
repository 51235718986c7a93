//go:build race

package soak

// patience stretches the limits of time, and divides the number of tries: the race
// detector makes a program five to ten times slower, and the figures are for the
// program as it ships.
const patience = 5

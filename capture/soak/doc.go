// Package soak puts ink, ws and record together and makes them suffer: processes
// are killed, networks stall, disks lose what was not synced, a thousand pens
// write at once and a thousand strangers press in. It has tests only.
//
// Sizes are for the program as it ships; under the race detector, five to ten times
// slower, the first three are a fifth. These variables change them:
//
//	INKWITNESS_KILLS      kill -9 this often (100)
//	INKWITNESS_SEEDS      simulate this many seeds (500; 10000 at night)
//	INKWITNESS_NETWORKS   sessions behind bad networks (100)
//	INKWITNESS_SOCKETS    sockets of BenchmarkCaptureSockets (1000)
//	INKWITNESS_SECONDS    its length, twice (10; 300 in full, with -timeout 30m)
package soak

// Times the peers from npm and prints one JSON line for each: name, dimensions,
// nanoseconds a cell, and the distance that it found, so that the caller sees
// that all compute the same.
//
//   node peers.mjs LENGTH ROUNDS

import DynamicTimeWarping from "dynamic-time-warping";
import DTW from "dtw";

const [length, rounds] = process.argv.slice(2).map(Number);

// The numbers of main.go: a 32-bit linear congruential generator (Numerical
// Recipes), from 0 to 1.
function series(seed, dims) {
  let state = seed >>> 0;
  const points = [];
  for (let i = 0; i < length; i++) {
    const point = [];
    for (let d = 0; d < dims; d++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      point.push(Math.fround(state / 4294967296));
    }
    points.push(point);
  }
  return points;
}

function squared(a, b) {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

const peers = [
  ["dynamic-time-warping 1.0.0", 1, (a, b) => new DynamicTimeWarping(a, b, squared).getDistance()],
  ["dynamic-time-warping 1.0.0", 7, (a, b) => new DynamicTimeWarping(a, b, squared).getDistance()],
  ["dtw 0.0.3", 1, (a, b) => new DTW({ distanceMetric: "squaredEuclidean" }).compute(a.map((p) => p[0]), b.map((p) => p[0]))],
];
for (const [name, dims, align] of peers) {
  const a = series(1, dims);
  const b = series(2, dims);
  let best = Infinity;
  let distance = 0;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    distance = align(a, b);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / (length * length));
  }
  console.log(JSON.stringify({ name, dims, nsPerCell: best, distance }));
}

// What was recorded and what was found in it, as the service tells it.

export interface CaptureProblem {
  code: string;
  severity: 'warning' | 'refusal';
  text: string;
  index?: number; // of the reference it is about; -1 is the set, or the questioned signature
}

export interface Device {
  pointer: string; // pen, touch, mouse, or empty
  unitsPerMM: number;
  nominalScale: boolean;
  sampleRate: number; // Hz, as declared; 0 when unknown
  pressureLevels: number;
  hasPressure: boolean;
  hasTilt: boolean;
  hasInAir: boolean;
  hasTime: boolean;
}

export interface Sampled {
  item: string;
  device: Device;
  points: {
    t: number[]; // µs from the first point
    x: number[]; // position units, right
    y: number[]; // position units, down
    p: number[]; // 0..65535
    tiltX: number[]; // 0.01 degree
    tiltY: number[];
    down: boolean[];
    start: boolean[];
  };
  unitsPerMM: number; // 0 when the device does not tell
}

export interface ModelVersion {
  name: string;
  number: string;
  made: string;
  corpus: string[];
}

export interface Quality {
  points: number;
  durationMs: number;
  strokes: number;
  rateHz: number;
  jitterMs: number;
  longestGapMs: number;
  clockRepeats: number;
  clockBackwards: number;
  pressureLevels: number;
  complexity: number;
  pathMm: number;
}

export interface Comparison {
  method: string;
  model: ModelVersion;
  calibration: ModelVersion;
  class: { pressure: boolean; pointer: string; references: number; calibrated: boolean };
  score: number;
  likelihoodRatio: {
    log: number; // natural
    low: number; // of the 95 % interval
    high: number;
    clamped: boolean;
    verbal: { code: string; text: string };
    hypothesisSame: string;
    hypothesisDifferent: string;
  };
  decision: { outcome: 'accept' | 'reject' | 'inconclusive'; acceptAbove: number; rejectBelow: number };
  quality: Quality;
  problems: CaptureProblem[];
  explanation?: {
    reference: number; // the nearest
    channels: { channel: string; cost: number }[];
    features: { feature: string; unit: string; questioned: number; mean: number; spread: number; z: number }[];
    stretches: { from: number; to: number; cost: number; supports: string }[];
    path: { q: number; r: number; cost: number }[];
  };
}

// The parts of timeline.json (capture/timeline) that the page uses; µs on the session's clock.
export interface Timeline {
  pen?: { method: string; firstMicros: number; lastMicros: number; uncertaintyMicros: number };
  media: { track: string; segment: number; method: string; codec: string; firstMicros: number; lastMicros: number; uncertaintyMicros: number; frames: number }[] | null;
  fileStartMicros: number;
  notes: string[] | null;
}

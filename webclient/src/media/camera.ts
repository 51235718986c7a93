// The camera of the signing page: opening it, why it did not open, and hints on
// what it sees. Hints are computed here from a thumbnail; no picture leaves.

export type CameraFault = 'refused' | 'missing' | 'busy' | 'insecure' | 'other';

export class CameraError extends Error {
  override name = 'CameraError';
  constructor(readonly fault: CameraFault) {
    super(`camera: ${fault}`);
  }
}

export async function openCamera(audio: boolean): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError('insecure');
  const video = { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (error) {
    throw new CameraError(faultOf(error));
  }
}

export function faultOf(error: unknown): CameraFault {
  switch ((error as { name?: string }).name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'refused';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'other';
  }
}

export function closeCamera(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export function cameraFacts(stream: MediaStream): { label: string; width: number; height: number; frameRate: number } {
  const track = stream.getVideoTracks()[0];
  const settings = track?.getSettings() ?? {};
  return {
    label: track?.label ?? '',
    width: settings.width ?? 0,
    height: settings.height ?? 0,
    frameRate: settings.frameRate ?? 0,
  };
}

export type Hint = 'dark' | 'bright' | 'flat' | 'still' | 'good';

const WIDTH = 32;
const HEIGHT = 24;

// Watches a playing video twice a second. `flat` is a covered lens (no contrast),
// `still` a picture that has not changed in the least for three seconds.
export function watchPicture(video: HTMLVideoElement, tell: (hint: Hint) => void): () => void {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let before: Uint8ClampedArray | undefined;
  let unchanged = 0;
  const look = () => {
    if (!context || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const pixels = context.getImageData(0, 0, WIDTH, HEIGHT).data;
    unchanged = before && pixels.every((value, i) => value === before?.[i]) ? unchanged + 1 : 0;
    before = pixels;
    tell(unchanged >= 6 ? 'still' : judge(pixels));
  };
  const timer = setInterval(look, 500);
  return () => clearInterval(timer);
}

// Mean and spread of luma (ITU-R BT.601) over RGBA pixels.
export function judge(pixels: ArrayLike<number>): Exclude<Hint, 'still'> {
  let sum = 0;
  let squares = 0;
  const count = pixels.length / 4;
  for (let i = 0; i < pixels.length; i += 4) {
    const luma = 0.299 * (pixels[i] ?? 0) + 0.587 * (pixels[i + 1] ?? 0) + 0.114 * (pixels[i + 2] ?? 0);
    sum += luma;
    squares += luma * luma;
  }
  const mean = sum / count;
  const spread = Math.sqrt(Math.max(0, squares / count - mean * mean));
  if (mean < 40) return 'dark';
  if (mean > 225) return 'bright';
  return spread < 6 ? 'flat' : 'good';
}

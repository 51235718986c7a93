// The look into the camera before anything is recorded.
import { useEffect, useState } from 'preact/hooks';
import { type CameraFault, CameraError, closeCamera, type Hint, openCamera, watchPicture } from '../media/camera.ts';
import { Button, Notice, Panel } from '../ui/ui.tsx';
import { common } from '../i18n/common/index.ts';
import { Decline, Title, Video } from './parts.tsx';
import { text } from './text/index.ts';

export function CameraCheck({ onReady }: { onReady: (stream: MediaStream) => void }) {
  const texts = text().camera;
  const [stream, setStream] = useState<MediaStream>();
  const [fault, setFault] = useState<CameraFault>();
  const [hint, setHint] = useState<Hint>();
  const [busy, setBusy] = useState(false);

  const open = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      setStream(await openCamera(true));
    } catch (error) {
      setFault(error instanceof CameraError ? error.fault : 'other');
    }
    setBusy(false);
  };
  // A stream that was not handed on is switched off with this screen.
  const [handed, setHanded] = useState(false);
  useEffect(() => () => {
    if (!handed) closeCamera(stream);
  }, [stream, handed]);
  const hand = () => {
    if (!stream) return;
    setHanded(true);
    onReady(stream);
  };

  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="camera-check">
        <p>{texts.text}</p>
        {stream && (
          <div class="camera">
            <div class="camera-view"><Video stream={stream} label={texts.preview} ready={(video) => watchPicture(video, setHint)} /></div>
            {hint && <Notice tone={hint === 'good' ? 'good' : 'warn'} test="camera-hint">{texts.hints[hint]}</Notice>}
          </div>
        )}
        {fault && <Notice tone="bad" test="camera-fault">{texts.faults[fault]}</Notice>}
        <div class="actions">
          {stream
            ? <Button kind="primary" large onClick={hand} test="camera-ready">{texts.ready}</Button>
            : <Button kind="primary" large onClick={() => void open()} busy={busy} test="camera-on">{fault ? common().tryAgain : texts.turnOn}</Button>}
          <Decline otherWay={fault !== undefined} />
        </div>
      </Panel>
    </div>
  );
}

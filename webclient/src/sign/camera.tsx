// The look into the camera before anything is recorded.
import { useEffect, useRef, useState } from 'preact/hooks';
import { signing } from '../api.ts';
import { type CameraFault, CameraError, closeCamera, type Hint, openCamera, watchPicture } from '../media/camera.ts';
import { Button, Notice, Panel, ProblemNotice } from '../ui/ui.tsx';
import { common } from '../i18n/common/index.ts';
import { Decline, Title, Video } from './parts.tsx';
import { accept, ceremony } from './state.ts';
import { text } from './text/index.ts';

export function CameraCheck({ onReady }: { onReady: (stream: MediaStream) => void }) {
  const texts = text().camera;
  const [stream, setStream] = useState<MediaStream>();
  const [fault, setFault] = useState<CameraFault>();
  const [hint, setHint] = useState<Hint>();
  const [opening, setOpening] = useState(false);
  const [refusing, setRefusing] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  // A stream that was not handed on is switched off with this screen, also one that
  // the browser gives afterwards: its question may be answered late.
  const unclaimed = useRef<MediaStream | undefined>(undefined);
  const gone = useRef(false);
  useEffect(() => () => {
    gone.current = true;
    closeCamera(unclaimed.current);
  }, []);

  const open = async () => {
    setOpening(true);
    setFault(undefined);
    try {
      const opened = await openCamera(true);
      if (gone.current) return closeCamera(opened);
      unclaimed.current = opened;
      setStream(opened);
    } catch (error) {
      setFault(error instanceof CameraError ? error.fault : 'other');
    }
    setOpening(false);
  };
  // Taking the consent back is the record of signing without a camera.
  const refuseVideo = async () => {
    const consent = ceremony.value?.consents.find(({ purpose }) => purpose === 'video');
    if (!consent) return;
    setRefusing(true);
    try {
      const { purpose, textVersion, language } = consent;
      accept(await signing.consent({ purpose, textVersion, language, given: false }));
    } catch (error) {
      setProblem(error);
    }
    setRefusing(false);
  };
  const hand = () => {
    if (!stream) return;
    unclaimed.current = undefined;
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
        <ProblemNotice problem={problem} />
        <div class="actions">
          {stream
            ? <Button kind="primary" large onClick={hand} test="camera-ready">{texts.ready}</Button>
            : <Button kind="primary" large onClick={() => void open()} busy={opening} test="camera-on">{fault ? common().tryAgain : texts.turnOn}</Button>}
          <Button kind="plain" onClick={() => void refuseVideo()} busy={refusing} test="camera-without">{texts.without}</Button>
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

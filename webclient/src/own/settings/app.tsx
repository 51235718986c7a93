// The key of a second factor, for an authenticator app: a code that a phone's camera
// reads, the same key in letters, and a link for an app on this device.
import { useEffect, useState } from 'preact/hooks';
import { text } from './text/index.ts';

const QUIET = 4; // modules left free around the code, ISO/IEC 18004 section 5.3.8

export function AppKey({ uri, secret, test }: { uri: string; secret: string; test: string }) {
  const texts = text().settings.factors;
  return (
    <div class="stack-small">
      <p>{texts.enter} <a href={uri}>{texts.open}</a></p>
      <div class="row">
        <Code data={uri} label={texts.picture} />
        <p class="mono" data-test={test}>{secret.replace(/(.{4})/g, '$1 ').trim()}</p>
      </div>
    </div>
  );
}

// Dark on light in every scheme: many cameras read nothing else.
function Code({ data, label }: { data: string; label: string }) {
  const [modules, setModules] = useState<boolean[][]>();
  useEffect(() => void import('uqr').then(({ encode }) => setModules(encode(data, { ecc: 'M', border: QUIET }).data), () => undefined), [data]); // the letters say the same
  if (!modules) return <div class="qr" />;
  const path = modules.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return (
    <svg class="qr" viewBox={`0 0 ${modules.length} ${modules.length}`} role="img" aria-label={label} shape-rendering="crispEdges" data-test="qr">
      <rect width="100%" height="100%" fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

// Registers the service worker and tells it what this page is made of.
import { scriptURL } from '../trusted.ts';

export function keepShell(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = async () => {
    await navigator.serviceWorker.register(scriptURL('/sw.js'));
    const { active } = await navigator.serviceWorker.ready;
    const parts = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
    active?.postMessage([location.pathname, ...parts.filter((path) => path.startsWith('/assets/'))]);
  };
  // Without it the pages work as well, only not without a network.
  setTimeout(() => void register().catch(() => undefined), 1500);
}

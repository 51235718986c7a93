// Registers the service worker and tells it what this page is made of.
import { scriptURL } from '../trusted.ts';

export function keepShell(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = async () => {
    await navigator.serviceWorker.register(scriptURL('/sw.js'));
    const { active } = await navigator.serviceWorker.ready;
    const tell = (paths: string[]) => active?.postMessage(paths.filter((path) => path === location.pathname || path.startsWith('/assets/')));
    tell([location.pathname]);
    // Also those that were asked for before it ran and come later.
    new PerformanceObserver((parts) => tell(parts.getEntries().map(({ name }) => new URL(name).pathname))).observe({ type: 'resource', buffered: true });
  };
  // Without it the pages work as well, only not without a network.
  setTimeout(() => void register().catch(() => undefined), 1500);
}

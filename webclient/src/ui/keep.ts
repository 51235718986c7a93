// Registers the service worker and tells it what this page is made of.
import { scriptURL } from '../trusted.ts';

export function keepShell(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = async () => {
    await navigator.serviceWorker.register(scriptURL('/sw.js'));
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage([location.pathname]);
    // Also the parts that were asked for before it ran and come later.
    new PerformanceObserver((come) => {
      const parts = come.getEntries().map(({ name }) => new URL(name).pathname).filter((path) => path.startsWith('/assets/'));
      if (parts.length > 0) active?.postMessage(parts); // not for each question to the service
    }).observe({ type: 'resource', buffered: true });
  };
  // Without it the pages work as well, only not without a network.
  setTimeout(() => void register().catch(() => undefined), 1500);
}

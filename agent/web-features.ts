// Remembers what the web server understands, which it takes a program to find out. Law: what was remembered is forgotten with every
// sign that another program may run now: none runs, it refused a tree, or a minute has passed.
import type { WebServer, WebServerFeatures } from './ports/web-server.ts';

const REMEMBERED_MS = 60_000;

export function rememberFeatures(web: WebServer, now: () => number): WebServer {
  let known: { features: WebServerFeatures; at: number } | undefined;

  async function ask(): Promise<WebServerFeatures> {
    known = undefined;
    const features = await web.features();
    known = { features, at: now() };
    return features;
  }

  /** Asked again while nobody waits; a failure shows when somebody does. */
  async function refresh(): Promise<void> {
    if (known && Math.abs(now() - known.at) >= REMEMBERED_MS) await ask().catch(() => undefined);
  }

  return {
    features: async () => known?.features ?? ask(),
    async test(release) {
      const result = await web.test(release);
      if (!result.ok) known = undefined;
      return result;
    },
    async running() {
      const runs = await web.running();
      if (runs) await refresh();
      else known = undefined;
      return runs;
    },
    reload: () => web.reload(),
    serving: () => web.serving(),
    async stop() {
      known = undefined;
      await web.stop();
    },
  };
}

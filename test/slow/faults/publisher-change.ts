// A running publisher takes a new commit: mirror, store, signatures. What it serves is the old publication or the new one, the same for
// all nodes, and every node accepts it after what it had; the same files of git give the same bytes, whatever happened in between.
import { join } from 'node:path';
import { loadKeys } from '../../../reconciler/adapters/key-files.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeLog } from './judge-log.ts';
import { endedBy } from './started-program.ts';
import { openSweptPublisher } from './swept-publisher.ts';
import { until } from './until.ts';

const PORTS = [8080, 9090] as const;

export const publisherChange: FaultProgram = {
  name: 'publisher-change',
  threads: ['main', 'pool'],
  kinds: 'each',
  async open() {
    const site = await openSweptPublisher();
    const dataDir = join(site.top, 'data');
    let publisher = await site.serve(dataDir);
    const hashes = new Map<number, string>();
    let rounds = 0;
    let serving: number = PORTS[0];
    const served = (port: number) =>
      until(
        `both nodes are told ${port}`,
        async () => publisher.hasEnded() || (await site.ports().catch(() => [0])).every((one) => one === port),
        () => publisher.said().slice(-3_000),
      );
    await served(serving);
    const { fingerprint } = await loadKeys(join(dataDir, 'keys'));

    return {
      folder: dataDir,
      async round(begin, kind) {
        rounds += 1;
        const offset = publisher.said().length;
        const port = PORTS[rounds % PORTS.length]!;
        const tracing = await begin(publisher.pid);
        const commit = await site.routeTo(port);
        await site.announce(commit);
        await served(port);
        await tracing.end();
        if (await endedBy(publisher, kind)) {
          if (kind !== 'KILL') throw new Error(`it ended: ${publisher.said().slice(offset)}`);
          publisher = await site.serve(dataDir);
          let told: number[] | undefined;
          await until('it serves again', async () => {
            told = await site.portsInTurn().catch(() => undefined);
            return told !== undefined || publisher.hasEnded();
          });
          if (publisher.hasEnded()) throw new Error(`it does not start any more: ${publisher.said()}`);
          if (!told || !isOneStep(told, serving, port)) throw new Error(`nodes are told, one after the other, ${told}`);
          await served(port);
        } else if (kind !== undefined) judgeLog(publisher.said().slice(offset), dataDir, kind);
        serving = port;
        const found = await site.accepted(join(site.top, 'nodes'), fingerprint);
        for (const [index, hash] of found.entries()) {
          const key = 10 * port + index;
          if ((hashes.get(key) ?? hash) !== hash) throw new Error(`the same files of git gave another config: ${hash}`);
          hashes.set(key, hash);
        }
      },
      async close() {
        await publisher.stop();
        await site.close();
      },
    };
  },
};

/** Answers in the order of the questions: the new publication may come between two of them, for all nodes at once. */
function isOneStep(told: readonly number[], before: number, after: number): boolean {
  const news = told.indexOf(after);
  const [old, fresh] = news < 0 ? [told, []] : [told.slice(0, news), told.slice(news)];
  return old.every((port) => port === before) && fresh.every((port) => port === after);
}

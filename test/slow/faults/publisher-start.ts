// A publisher that starts for the first time: keys, sealing key, store, mirror, the first publication. Whatever stops it, the next start
// serves every node the same.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadKeys } from '../../../reconciler/adapters/key-files.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { endedBy, type StartedProgram } from './started-program.ts';
import { openSweptPublisher } from './swept-publisher.ts';
import { until } from './until.ts';

const PORT = 8080;

export const publisherStart: FaultProgram = {
  name: 'publisher-start',
  threads: ['main', 'pool'],
  kinds: 'turns',
  async open() {
    const site = await openSweptPublisher();
    const dataDir = join(site.top, 'data');
    const nodes = join(site.top, 'nodes');
    let hashes: string | undefined;
    const serves = (publisher: StartedProgram) =>
      until(
        'both nodes are told',
        async () => publisher.hasEnded() || (await site.ports().catch(() => [0])).every((one) => one === PORT),
        () => publisher.said().slice(-3_000),
      );
    return {
      folder: dataDir,
      async round(begin, kind) {
        await rm(dataDir, { recursive: true, force: true });
        await rm(nodes, { recursive: true, force: true });
        let publisher = await site.serve(dataDir, join(site.top, 'hold'));
        const tracing = await begin(publisher.pid);
        publisher.go();
        await serves(publisher);
        await tracing.end();
        if (await endedBy(publisher, kind)) {
          if (kind !== undefined) judgeEnding(publisher, dataDir, kind);
          publisher = await site.serve(dataDir);
          await serves(publisher);
          if (publisher.hasEnded()) throw new Error(`it does not start any more: ${publisher.said()}`);
        }
        const { fingerprint } = await loadKeys(join(dataDir, 'keys'));
        const found = (await site.accepted(nodes, fingerprint)).join();
        hashes ??= found;
        await publisher.stop();
        if (found !== hashes) throw new Error(`the same files of git gave other configs: ${found}`);
      },
      close: () => site.close(),
    };
  },
};

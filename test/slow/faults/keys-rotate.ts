// `kokoa keys rotate`: a set of keys is the old one or the new one, and the command, given again, makes a newer one.
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createDevelopmentKeys, loadKeys } from '../../../reconciler/adapters/key-files.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { openSweptPublisher } from './swept-publisher.ts';

export const keysRotate: FaultProgram = {
  name: 'keys-rotate',
  threads: ['pool', 'main'],
  kinds: 'each',
  async open() {
    const site = await openSweptPublisher();
    const [template, dir] = [join(site.top, 'template'), join(site.top, 'keys')];
    await createDevelopmentKeys(template, new Date());
    const rotate = (hold?: string) => site.kokoa(['keys', 'rotate', '--dir', dir], hold);
    const known = await loadKeys(template);
    return {
      folder: dir,
      async round(begin, kind) {
        await rm(dir, { recursive: true, force: true });
        await cp(template, dir, { recursive: true });
        const program = await rotate(join(site.top, 'hold'));
        const tracing = await begin(program.pid);
        program.go();
        await program.ended();
        await tracing.end();
        if (kind !== undefined) judgeEnding(program, dir, kind);
        const after = await loadKeys(dir);
        const isOld = after.online.targets.keyId === known.online.targets.keyId;
        if (after.roots.length !== (isOld ? 1 : 2)) throw new Error(`${after.roots.length} roots and other keys`);
        const again = await rotate();
        await again.ended();
        if (again.exitCode() !== 0) throw new Error(`they cannot be rotated any more: ${again.said()}`);
        const last = await loadKeys(dir);
        if (last.fingerprint !== known.fingerprint) throw new Error('nodes would not follow: another fingerprint');
        if (last.roots.length !== after.roots.length + 1) throw new Error(`found ${last.roots.length} roots`);
        const left = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.new'));
        if (left.length > 0) throw new Error(`files differ: ${left.join()}`);
      },
      close: () => site.close(),
    };
  },
};

// `kokoa-agent certs import` over a certificate that is there: the edge holds the old pair or the new one, never a mix, and the command,
// given again, stores the new one. What other edges hand over is stored by the same steps.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertsDir } from '../../../agent/adapters/certs-dir.ts';
import { createCertificateMaker } from '../../certificate-maker.ts';
import { differenceOf, filesIn } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { HOST, openSweptEdge } from './swept-edge.ts';

export const certificateImport: FaultProgram = {
  name: 'certificate-import',
  threads: ['pool', 'main'],
  kinds: 'turns',
  async open() {
    const edge = await openSweptEdge();
    const maker = await createCertificateMaker();
    const made = await Promise.all([1, 2].map(() => maker.files({ names: [`DNS:${HOST}`] })));
    const store = createCertsDir({ dir: join(edge.stateDir, 'certs') });
    const held = async () => (await store.read(HOST))?.fullchain;
    let rounds = 0;
    let baseline: string[] | undefined;
    const start = ({ certFile, keyFile }: { certFile: string; keyFile: string }, hold?: string) =>
      edge.command(edge.stateDir, ['certs', 'import', HOST, '--cert', certFile, '--key', keyFile], {
        ...(hold && { hold }),
      });
    return {
      folder: edge.stateDir,
      async round(begin, kind) {
        rounds += 1;
        const files = made[rounds % 2]!;
        const [before, after] = [await held(), await readFile(files.certFile, 'utf8')];
        const program = await start(files, join(edge.top, 'hold'));
        const tracing = await begin(program.pid);
        program.go();
        await program.ended();
        await tracing.end();
        if (kind !== undefined) judgeEnding(program, edge.stateDir, kind);
        const now = await held();
        if (now === undefined || (now !== before && now !== after))
          throw new Error('neither the old pair nor the new one');
        const again = await start(files);
        await again.ended();
        if ((await held()) !== after) throw new Error(`it cannot be imported any more: ${again.said()}`);
        const names = await filesIn(join(edge.stateDir, 'certs'));
        baseline ??= names;
        const left = differenceOf(baseline, names);
        if (left !== '') throw new Error(`files differ: ${left}`);
      },
      async close() {
        await maker.close();
        await edge.close();
      },
    };
  },
};

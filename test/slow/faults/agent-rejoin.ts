// `kokoa-agent join` on a machine that has joined, with another token, port and CA. Law: afterwards the machine is the old node or the new
// one, never a mix of both, and the same command, given again, ends what was begun.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tokenFor } from '../../../agent/one-file.fixture.ts';
import { createCertificateMaker } from '../../certificate-maker.ts';
import { differenceOf, filesIn } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { EDGE, openSweptEdge } from './swept-edge.ts';

const PORTS = ['18001', '18002'] as const;
/** The same node, other tokens. */
const TOKENS = ['x', 'y'].map((end) => `${tokenFor(EDGE).trim().slice(0, -1)}${end}\n`);

export const agentRejoin: FaultProgram = {
  name: 'agent-rejoin',
  threads: ['pool', 'main'],
  kinds: 'turns',
  async open() {
    const edge = await openSweptEdge();
    const maker = await createCertificateMaker();
    const authorities = await Promise.all([1, 2].map(() => maker.files({ names: ['DNS:ca.test'] })));
    const stateDir = join(edge.top, 'rejoining');
    let baseline: string[] | undefined;
    let rounds = 0;
    const joined = (turn: number, hold?: string) => {
      const more = ['--http-port', PORTS[turn]!, '--acme-ca', authorities[turn]!.certFile];
      return edge.command(stateDir, [...edge.joinArguments, ...more], {
        ...{ input: TOKENS[turn]!, ...(hold && { hold }) },
      });
    };
    const whoItIs = async () => {
      // A command of the agent comes first: it ends what a killed join had decided.
      await (await edge.command(stateDir, ['status'])).ended();
      const { listen } = JSON.parse(await readFile(join(stateDir, 'settings.json'), 'utf8')) as {
        listen: { httpPort: number };
      };
      const token = await readFile(join(stateDir, 'token'), 'utf8');
      const ca = await readFile(join(stateDir, 'acme-ca.pem'), 'utf8');
      return [`${listen.httpPort}`, token, ca].join('|');
    };
    const node = async (turn: number) =>
      [PORTS[turn], TOKENS[turn], await readFile(authorities[turn]!.certFile, 'utf8')].join('|');
    await (await joined(0)).ended();
    return {
      folder: stateDir,
      async round(begin, kind) {
        rounds += 1;
        const turn = rounds % 2;
        const program = await joined(turn, join(edge.top, 'hold'));
        const tracing = await begin(program.pid);
        program.go();
        await program.ended();
        await tracing.end();
        if (kind !== undefined) judgeEnding(program, stateDir, kind);
        const now = await whoItIs();
        const [before, after] = [await node(1 - turn), await node(turn)];
        if (now !== before && now !== after) throw new Error(`it is a mix of the old node and the new: ${now}`);
        if (program.exitCode() === 0 && now !== after) throw new Error('it says that it joined, and did not');
        const again = await joined(turn);
        await again.ended();
        if (again.exitCode() !== 0) throw new Error(`it does not join any more: ${again.said()}`);
        if ((await whoItIs()) !== after) throw new Error('it says that it joined again, and did not');
        // What a killed look at a bundle leaves goes with the next one, as agent-change.ts sees; here it is always the same.
        const files = (await filesIn(stateDir)).filter((name) => !/^(bundles|chunks)\//.test(name));
        baseline ??= files;
        const left = differenceOf(baseline, files);
        if (left !== '') throw new Error(`files differ: ${left}`);
      },
      async close() {
        await maker.close();
        await edge.close();
      },
    };
  },
};

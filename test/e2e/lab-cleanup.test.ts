// A run of the lab leaves nothing behind, however it ends; what even SIGKILL leaves, the next run removes.
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { removeDead, removeKept, runDirectory } from '../../lab/janitor.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { lives, namespacesOf, type ProcessIdentity, processesIn } from '../../lab/process-table.ts';
import { createRun } from '../../lab/run.ts';

const PROGRAM = fileURLToPath(new URL('lab-run.ts', import.meta.url));
const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')(`a run of the lab${mode.mode === 'full' ? '' : ` (${mode.why})`}`, () => {
  it.each([
    ['succeeds', 'end', undefined, 0],
    ['fails', 'throw', undefined, 1],
    ['is interrupted by Ctrl-C', 'wait', 'SIGINT', 130],
    ['is asked to end', 'wait', 'SIGTERM', 143],
  ] as const)('leaves nothing behind when it %s', { timeout: 40_000 }, async (_, ending, signal, exitCode) => {
    const links = readdirSync('/sys/class/net');
    const run = await startRun(ending);
    const before = run.traces;
    if (ending === 'wait') {
      expect(before).toMatchObject({ sockets: 1, directory: true });
      expect(before.namespaces).toBe(before.resolverFolders + 1);
      expect(before.processes).toBeGreaterThanOrEqual(2);
      run.child.kill(signal);
    }
    expect((await run.child).exitCode).toBe(exitCode);
    expect(tracesOf(run.prefix, run.processes)).toEqual(NOTHING);
    expect(readdirSync('/sys/class/net')).toEqual(links);
  });

  it('that was killed is removed by the next one, and a living one is not touched', { timeout: 40_000 }, async () => {
    const [killed, living] = await Promise.all([startRun('wait'), startRun('wait')]);
    killed.child.kill('SIGKILL');
    await killed.child;
    expect(killed.traces).toMatchObject({ sockets: 1, directory: true });

    const next = createRun();
    // Another test's run may have found it first and be busy with it.
    await expect.poll(() => tracesOf(killed.prefix, killed.processes), { timeout: 3_000 }).toEqual(NOTHING);
    expect(tracesOf(living.prefix, living.processes)).toEqual(living.traces);
    expect(await next.end()).toEqual([]);
    living.child.stdin.end();
    await living.child;
    removeDead();
    expect(tracesOf(living.prefix, living.processes)).toEqual(NOTHING);
  });

  it('that is kept stays until it is asked to go', { timeout: 40_000 }, async () => {
    const run = await startRun('keep');
    expect((await run.child).exitCode).toBe(0);
    await createRun().end();
    expect(tracesOf(run.prefix, run.processes)).toEqual(run.traces);
    expect(removeKept(run.prefix)).toEqual([run.prefix]);
    expect(tracesOf(run.prefix, run.processes)).toEqual(NOTHING);
  });

  it('takes its steps newest first, and none keeps another from its turn', { timeout: 30_000 }, async () => {
    const run = createRun();
    const taken: string[] = [];
    run.onEnd('first', () => void taken.push('first'));
    run.onEnd('fails', () => {
      taken.push('fails');
      throw new Error('out of order');
    });
    run.onEnd('hangs', () => {
      taken.push('hangs');
      return new Promise(() => undefined);
    });
    const failures = await run.end();
    expect(taken).toEqual(['hangs', 'fails', 'first']);
    expect(failures).toEqual(['hangs: not done after 5000 ms', 'fails: out of order']);
    expect(existsSync(run.directory)).toBe(false);
  });
});

interface Traces {
  namespaces: number;
  processes: number;
  resolverFolders: number;
  sockets: number;
  directory: boolean;
}

const NOTHING: Traces = { namespaces: 0, processes: 0, resolverFolders: 0, sockets: 0, directory: false };

/** Starts a run of its own and waits until everything is up. */
async function startRun(ending: 'wait' | 'throw' | 'end' | 'keep') {
  const child = execa(process.execPath, [PROGRAM, ending], {
    reject: false,
    buffer: false,
    stdin: 'pipe',
    stderr: 'ignore',
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const prefix = (await lines.next()).value ?? '';
  if (!/^k[0-9a-f]{4}$/.test(prefix)) throw new Error(`the run did not start: ${prefix}`);
  const processes = processesIn(namespacesOf(prefix));
  return { child, prefix, processes, traces: tracesOf(prefix, processes) };
}

/** What there is of a run; `processes` are those that it was seen to have. */
function tracesOf(prefix: string, processes: readonly ProcessIdentity[]): Traces {
  const count = (folder: string) => {
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)).length : 0;
  };
  return {
    namespaces: namespacesOf(prefix).length,
    processes: processes.filter(lives).length,
    resolverFolders: count('/etc/netns'),
    sockets: count('/var/run/wireguard'),
    directory: existsSync(runDirectory(prefix)),
  };
}

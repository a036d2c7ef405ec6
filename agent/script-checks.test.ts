// Edges that ask what scripts say, over HTTP on loopback; and scripts that are slow, ill, refused, or asked for no more.
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { OriginConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import { listenAt } from './adapters/script-server.ts';
import type { ScriptResult } from './ports/scripts.ts';
import { createScriptChecks, type ListenForChecks } from './script-checks.ts';

const configOf = (scripts: string[] | undefined, address = '127.0.0.1'): OriginConfig => {
  const { edge: _, ...base } = edgeConfig('home', []);
  const origin = { ports: [], ...(scripts && { asked: { scripts } }) };
  return { ...base, role: 'origin', origin, wireguard: { ...base.wireguard, address } };
};

function answering(results: Record<string, () => ScriptResult | Promise<ScriptResult>>) {
  const runs: string[] = [];
  const lines: string[] = [];
  let port = 0;
  let failures = 0;
  let opened = 0;
  const listen: ListenForChecks = async (address, answer) => {
    if (failures-- > 0) throw new Error('EADDRNOTAVAIL');
    const server = await listenAt(address, 0, answer);
    port = server.port;
    opened += 1;
    return server;
  };
  const log = {
    info: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
    warn: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  const run = async (name: string) => {
    runs.push(name);
    return results[name]!();
  };
  const checks = createScriptChecks({ scripts: { run }, listen, log, againMs: 20 });
  const stop = new AbortController();
  const ended = checks.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  const ask = async (path: string, init?: RequestInit) => (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
  const ready = () => vi.waitFor(() => expect(opened).toBeGreaterThan(0));
  return {
    checks,
    runs,
    lines,
    ask,
    ready,
    port: () => port,
    opened: () => opened,
    failFor: (times: number) => {
      failures = times;
    },
  };
}

describe('an edge is told', () => {
  test('that a script is well, ill, not run, or not asked for', async () => {
    const { checks, ask, ready, runs, lines } = answering({
      well: () => ({ kind: 'well' }),
      ill: () => ({ kind: 'ill', reason: 'ended with 1', words: 'no primary' }),
      gone: () => ({ kind: 'refused', reason: 'there is no gone' }),
    });
    checks.configure(configOf(['gone', 'ill', 'well']));
    await ready();
    const paths = ['/well', '/ill', '/gone', '/other', '/', '/well/../ill', '/well?x=1'];
    expect(await Promise.all(paths.map((path) => ask(path)))).toEqual([200, 503, 404, 404, 404, 503, 404]);
    expect(await ask('/well', { method: 'POST', body: 'x' })).toBe(405);
    expect(runs.sort()).toEqual(['gone', 'ill', 'well']);
    expect(lines.sort()).toEqual([
      'a script says that its service does not work {"script":"ill","reason":"ended with 1","words":"no primary"}',
      'a script that a route asks for is not run {"script":"gone","reason":"there is no gone"}',
    ]);
  });

  test('the same by one run, when many ask at once', async () => {
    let end: (result: ScriptResult) => void = () => undefined;
    const { checks, ask, ready, runs } = answering({
      slow: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    });
    checks.configure(configOf(['slow']));
    await ready();
    const answers = Promise.all([ask('/slow'), ask('/slow'), ask('/slow')]);
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    end({ kind: 'well' });
    expect(await answers).toEqual([200, 200, 200]);
    expect(runs).toHaveLength(1);
  });

  test('anew after a second', async () => {
    let result: ScriptResult = { kind: 'ill', reason: 'ended with 1', words: '' };
    const { checks, ask, ready, lines } = answering({ disk: () => result });
    checks.configure(configOf(['disk']));
    await ready();
    expect(await ask('/disk')).toBe(503);
    result = { kind: 'well' };
    expect(await ask('/disk')).toBe(503);
    await vi.waitFor(async () => expect(await ask('/disk')).toBe(200), { timeout: 5_000 });
    expect(lines.at(-1)).toBe('a script says that its service works again {"script":"disk"}');
  });
});

test('nothing listens while nothing is asked for, and no more when nothing is any more', async () => {
  const { checks, ask, ready, opened, port } = answering({ disk: () => ({ kind: 'well' }) });
  checks.configure(configOf(undefined));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(opened()).toBe(0);
  checks.configure(configOf(['disk']));
  await ready();
  expect(await ask('/disk')).toBe(200);
  checks.configure(configOf(undefined));
  const refused = () =>
    new Promise((resolve) =>
      connect(port(), '127.0.0.1')
        .once('error', resolve)
        .once('connect', () => resolve('open')),
    );
  await vi.waitFor(async () => expect(await refused()).toMatchObject({ code: 'ECONNREFUSED' }));
});

test('an address that is not there yet is tried again, and that is said once', async () => {
  const { checks, ready, lines, failFor } = answering({});
  failFor(3);
  checks.configure(configOf(['disk']));
  await ready();
  expect(lines).toEqual([
    'edges cannot ask scripts; will try again {"reason":"EADDRNOTAVAIL"}',
    'edges can ask scripts again {}',
  ]);
});

test('one that opens connections without end keeps nobody out for longer than he holds them', async () => {
  const { checks, ask, ready, port } = answering({ disk: () => ({ kind: 'well' }) });
  checks.configure(configOf(['disk']));
  await ready();
  let closed = 0;
  const idle = Array.from({ length: 25 }, () =>
    connect(port(), '127.0.0.1')
      .on('error', () => undefined)
      .once('close', () => {
        closed += 1;
      }),
  );
  await vi.waitFor(() => expect(closed).toBe(5));
  for (const socket of idle) socket.destroy();
  await vi.waitFor(async () => expect(await ask('/disk').catch(() => 'refused')).toBe(200));
});

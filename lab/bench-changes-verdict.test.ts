// Every promise of an edge that takes changes is judged: broken alone, it is the one line that is told.
import { expect, test } from 'vitest';
import type { ChangesResult } from './bench-changes-run.ts';
import type { Census } from './bench-changes-subject.ts';
import type { Tally } from './bench-changes-tally.ts';
import { brokenPromises } from './bench-changes-verdict.ts';

const HELD: Census = {
  ...{ memory: 30e6, agent: 150e6, workers: 2, oldWorkers: 2, openFiles: 100, agentFiles: 20, files: 800, releases: 3 },
};

function tally(failed = 0, lost = 0, asked = 1_000): Tally {
  return { asked, failed, lost, reasons: new Map(failed > 0 ? [['ECONNRESET', failed]] : []) };
}

function result(visitors: Partial<ChangesResult['visitors']>, more: Partial<ChangesResult> = {}): ChangesResult {
  const good = { fresh: tally(), busy: tally(), idle: tally(), http2: tally(9), goaways: 9, webSockets: tally() };
  return {
    ...{ title: 'edge', keepsIdle: true, changes: 10, seconds: 5, steps: {}, oldWorkersMost: 16 },
    ...{
      start: HELD,
      middle: HELD,
      end: HELD,
      rest: { ...HELD, oldWorkers: 0 },
      visitors: { ...good, ...visitors },
      ...more,
    },
  };
}

test('nothing is told when all hold; a server that promises nothing of idle connections may close them', () => {
  expect(brokenPromises(result({}))).toEqual([]);
  expect(brokenPromises(result({ busy: tally(5), idle: tally(7) }, { keepsIdle: false }))).toEqual([]);
});

test.each<[string, ChangesResult]>([
  ['new connections: lost 1 of 1000 (1 ECONNRESET)', result({ fresh: tally(1, 1) })],
  ['new connections: lost 0 of 0', result({ fresh: tally(0, 0, 0) })],
  ['kept connections: lost 2 of 1000 (2 ECONNRESET)', result({ busy: tally(2) })],
  ['kept connections: lost 3 of 1000 (3 ECONNRESET)', result({ idle: tally(3) })],
  ['kept connections: lost 1 of 1000 (3 ECONNRESET)', result({ idle: tally(3, 1) }, { keepsIdle: false })],
  ['HTTP/2 that reads GOAWAY: lost 1 of 1000 (9 ECONNRESET)', result({ http2: tally(9, 1) })],
  ['WebSockets: lost 1 of 1000 (1 ECONNRESET)', result({ webSockets: tally(1, 1) })],
  ['old workers: 17, expected at most 16', result({}, { oldWorkersMost: 17 })],
  ['old workers when everybody has gone: 2, expected at most 0', result({}, { rest: HELD })],
  ['releases on disk: 4, expected at most 3', result({}, { end: { ...HELD, releases: 4 } })],
  ['files on disk: 801, expected at most 800', result({}, { end: { ...HELD, files: 801 } })],
  ['open files of the agent: 29, expected at most 28', result({}, { end: { ...HELD, agentFiles: 29 } })],
  ['open files of the web server: 251, expected at most 250', result({}, { end: { ...HELD, openFiles: 251 } })],
  ['memory of the web server: 54000000, expected at most 53500000', result({}, { end: { ...HELD, memory: 54e6 } })],
  ['memory of the agent: 204000000, expected at most 203500000', result({}, { end: { ...HELD, agent: 204e6 } })],
])('%s', (line, broken) => {
  expect(brokenPromises(broken)).toEqual([line]);
});
